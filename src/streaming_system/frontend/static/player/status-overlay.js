// The message over the picture: why nothing plays, what happens next, and what the viewer can do.

import { t } from "../i18n.js";
import { timeUntil } from "./countdown.js";
import { icon, make } from "./dom.js";
import { isSoundOnly, soundOption } from "./sound-only.js";

function messageFor({ state, source, refusal }) {
  if (state === "waiting" && refusal) return refusalMessage(refusal);
  return {
    playing: source?.audio ? t("This stream is audio only.") : "",
    loading: t("The stream is loading."),
    waiting: t("The stream is interrupted. It will resume automatically."),
    offline: t("Your device is offline. The stream will resume automatically."),
    blocked: t("Your browser blocked autoplay. Press Play to start."),
  }[state] ?? "";
}

function refusalMessage(refusal) {
  return {
    encryption: t("Your browser blocks this stream: the page is encrypted, and the stream is not. Try another room, or open the stream in a player such as VLC."),
    "local-network": t("Your browser blocks this stream, because it comes from your local network. Allow this site to use the local network in the browser's settings, then try again."),
  }[refusal];
}

export class StatusOverlay {
  constructor(stage, player) {
    this.stage = stage;
    this.message = make("p", { className: "player-words" });
    this.message.setAttribute("role", "status");
    // The role "timer" keeps screen readers from announcing every second.
    this.countdown = makeTimer("player-countdown");
    this.retry = makeTimer("player-retry");
    this.playButton = make("button", { type: "button", className: "player-begin", title: t("Play"), hidden: true }, icon("play"));
    this.playButton.setAttribute("aria-label", t("Play"));
    this.playButton.onclick = () => { player.togglePlayback(); player.controls.playButton.focus(); };
    this.retryButton = make("button", { type: "button", className: "button", textContent: t("Retry now") });
    this.retryButton.onclick = () => player.supervisor.retryNow();
    this.soundButton = make("button", { type: "button", className: "button", textContent: t("Listen to audio only") });
    this.soundButton.onclick = () => player.toggleSoundOnly();
    this.youtubeLink = make("a", { className: "button", textContent: t("Watch on YouTube"), rel: "noopener noreferrer", hidden: true });
    this.roomsLink = make("a", { className: "button", textContent: t("See the other rooms"), href: stage.dataset.rooms });
    this.offers = make("div", { className: "player-offers" }, this.retryButton, this.soundButton, this.youtubeLink, this.roomsLink);
    this.element = make("div", { className: "player-status" }, this.message, this.countdown, this.retry, this.offers);
  }

  update(supervisor) {
    const { state, streams } = supervisor;
    const message = messageFor(supervisor);
    const isWaiting = state === "waiting" || state === "offline";
    if (this.message.textContent !== message) this.message.textContent = message;
    this.updateTimers(supervisor);
    this.playButton.hidden = state !== "blocked" && state !== "stopped";
    this.offers.hidden = !isWaiting;
    this.soundButton.hidden = !isWaiting || soundOption(supervisor) === null || isSoundOnly(supervisor);
    this.roomsLink.hidden = !this.stage.dataset.rooms;
    const id = state === "waiting" ? streams.known.youtube : "";
    this.youtubeLink.hidden = !id;
    if (id) {
      this.youtubeLink.dataset.youtube = id;
      this.youtubeLink.href = `https://www.youtube.com/watch?v=${encodeURIComponent(id)}`;
    }
    this.element.hidden = message === "";
    this.stage.dataset.playerState = state ?? "";
  }

  updateTimers({ state, retryAt }) {
    const { starts = "", next = "" } = this.stage.dataset;
    const time = state === "waiting" ? timeUntil(starts) : "";
    this.countdown.hidden = time === "";
    if (time) this.countdown.textContent = t("{title} starts in {time}.", { title: next, time });
    const seconds = Math.ceil((retryAt - performance.now()) / 1000);
    this.retry.hidden = state !== "waiting";
    if (state === "waiting") this.retry.textContent = seconds > 0 ? t("Retrying in {seconds} s.", { seconds }) : t("Retrying…");
  }
}

function makeTimer(className) {
  const element = make("p", { className, hidden: true });
  element.setAttribute("role", "timer");
  return element;
}
