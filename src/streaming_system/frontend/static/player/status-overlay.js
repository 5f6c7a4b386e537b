// The message over the picture: why nothing plays, and what happens next.

import { t } from "../i18n.js";
import { timeUntil } from "./countdown.js";
import { make } from "./dom.js";

function messageFor(state, source) {
  return {
    playing: source?.audio ? t("There is sound and no picture.") : "",
    loading: t("The stream is on its way."),
    waiting: t("The stream is not there at the moment. It goes on by itself as soon as it is back."),
    offline: t("Your device is offline. The stream goes on by itself when it is back."),
  }[state] ?? "";
}

export class StatusOverlay {
  constructor(stage, onPlay) {
    this.stage = stage;
    this.message = make("p", { className: "player-words" });
    this.message.setAttribute("role", "status");
    this.countdown = make("p", { className: "player-countdown", hidden: true });
    // The role "timer" keeps screen readers from announcing every second.
    this.countdown.setAttribute("role", "timer");
    this.playButton = make("button", { type: "button", className: "button player-begin", textContent: t("Play"), hidden: true });
    this.playButton.onclick = onPlay;
    this.youtubeLink = make("a", { className: "button", textContent: t("Watch on YouTube"), rel: "noopener noreferrer", hidden: true });
    this.element = make("div", { className: "player-status" }, this.message, this.countdown, this.playButton, this.youtubeLink);
  }

  update({ state, streams, source }) {
    const message = messageFor(state, source);
    if (this.message.textContent !== message) this.message.textContent = message;
    const { starts = "", next = "" } = this.stage.dataset;
    const time = state === "waiting" ? timeUntil(starts) : "";
    this.countdown.hidden = time === "";
    if (time) this.countdown.textContent = t("{title} starts in {time}.", { title: next, time });
    this.playButton.hidden = state !== "blocked" && state !== "stopped";
    const id = state === "waiting" ? streams.known.youtube : "";
    this.youtubeLink.hidden = !id;
    if (id) {
      this.youtubeLink.dataset.youtube = id;
      this.youtubeLink.href = `https://www.youtube.com/watch?v=${encodeURIComponent(id)}`;
    }
    this.element.hidden = message === "" && this.playButton.hidden;
    this.stage.dataset.playerState = state ?? "";
  }
}
