// Words over the picture: why nothing plays, and what happens next.

import { t } from "../words.js";
import { timeUntil } from "./countdown.js";
import { make } from "./elements.js";

function wordsFor(state, source) {
  return {
    plays: source?.audio ? t("There is sound and no picture.") : "",
    loads: t("The stream is on its way."),
    waits: t("The stream is not there at the moment. It goes on by itself as soon as it is back."),
    offline: t("Your device is offline. The stream goes on by itself when it is back."),
  }[state] ?? "";
}

export class Says {
  constructor(stage, begins) {
    this.stage = stage;
    this.words = make("p", { className: "player-words" });
    this.words.setAttribute("role", "status");
    this.countdown = make("p", { className: "player-countdown", hidden: true });
    // It is read when one asks for it, not every second.
    this.countdown.setAttribute("role", "timer");
    this.begin = make("button", { type: "button", className: "button player-begin", textContent: t("Play"), hidden: true });
    this.begin.onclick = begins;
    this.youtube = make("a", { className: "button", textContent: t("Watch on YouTube"), rel: "noopener noreferrer", hidden: true });
    this.element = make("div", { className: "player-says" }, this.words, this.countdown, this.begin, this.youtube);
  }

  show({ state, offers, source }) {
    const words = wordsFor(state, source);
    if (this.words.textContent !== words) this.words.textContent = words;
    const { starts = "", next = "" } = this.stage.dataset;
    const time = state === "waits" ? timeUntil(starts) : "";
    this.countdown.hidden = time === "";
    if (time) this.countdown.textContent = t("{title} starts in {time}.", { title: next, time });
    this.begin.hidden = state !== "blocked" && state !== "stopped";
    const id = state === "waits" ? offers.known.youtube : "";
    this.youtube.hidden = !id;
    if (id) {
      this.youtube.dataset.youtube = id;
      this.youtube.href = `https://www.youtube.com/watch?v=${encodeURIComponent(id)}`;
    }
    this.element.hidden = words === "" && this.begin.hidden;
    this.stage.dataset.says = state ?? "";
  }
}
