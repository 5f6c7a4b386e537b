// The player of a room: what keeps it playing, what one sees and presses, what is remembered.

import { remember, remembered } from "./choices.js";
import { Controls } from "./controls.js";
import { Keeper } from "./keeper.js";
import { listen } from "./keys.js";

const STEP = 10;
const SMALL_STEP = 5;
const LOUDER = 0.05;

export class Room {
  constructor(stage) {
    this.stage = stage;
    this.video = stage.querySelector("video");
    const { video } = this;
    const choices = remembered();
    const kinds = JSON.parse(stage.dataset.kinds);
    const first = [...video.querySelectorAll("source")].map(({ src, type, dataset: { format, quality } }) => {
      const stream = [format, quality].filter(Boolean).join("_");
      const [, , , label] = kinds.find(([name]) => name === stream);
      return { server: video.dataset.endpoint, url: src, type, stream, format, quality, label, audio: type.startsWith("audio/"), extra: false };
    });
    // From here on they are ours to play.
    video.replaceChildren();
    video.controls = false;
    video.load();
    video.volume = choices.volume;
    video.muted = choices.muted;
    this.keeper = new Keeper(video, { list: stage.dataset.list, kinds, first, choices });
    this.controls = new Controls(stage, this);
    this.events = new AbortController();
    const { signal } = this.events;
    for (const name of ["state", "changes"]) this.keeper.addEventListener(name, () => this.controls.show());
    video.addEventListener("volumechange", () => this.keepsVolume(), { signal });
    document.addEventListener("exchanged", () => { if (!stage.isConnected) this.leave(); }, { signal });
    listen(stage, this, signal);
    // Who pays for every byte, wants no motion, or came for another site's page, presses play.
    const quiet = "waits" in stage.dataset || navigator.connection?.saveData || matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (quiet) this.keeper.gives();
    else this.keeper.start();
  }

  keepsVolume() {
    const { muted, volume } = this.video;
    if (!muted) this.keeper.silenced = false;
    // That a browser has silenced it is not the viewer's choice.
    if (!this.keeper.silenced) remember({ volume, muted });
    this.controls.show();
  }

  toggle() {
    this.keeper.toggle();
  }

  mute() {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  loudness(volume) {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = false;
  }

  /** Go by some seconds, within what can be seen. */
  skip(seconds) {
    this.seek(this.video.currentTime + seconds);
  }

  seek(position) {
    const { seekable } = this.video;
    if (seekable.length === 0) return;
    const newest = seekable.end(seekable.length - 1) - this.keeper.leastDelay();
    this.video.currentTime = Math.max(seekable.start(0), Math.min(position, newest));
  }

  toLive() {
    this.keeper.engine?.toLive();
    if (this.video.paused) this.toggle();
  }

  choose(name, value) {
    remember({ [name]: value });
    this.keeper.choose(name, value);
  }

  /** Show subtitles, or none: those that were seen last, or those in the page's language, or the first. */
  captions() {
    const { options, chosen } = this.keeper.menus().subtitles;
    if (options.length === 0) return;
    if (chosen) this.written = chosen;
    const ids = options.map(({ id }) => id);
    const own = ids.find((id) => id === this.written) ?? ids.find((id) => id.startsWith(document.documentElement.lang)) ?? ids[0];
    this.choose("subtitles", chosen ? "" : own);
  }

  speed(rate) {
    this.keeper.runs(rate);
  }

  async picture() {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture?.().catch(() => {});
  }

  async full() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.stage.requestFullscreen) await this.stage.requestFullscreen().catch(() => {});
    // Phones of Apple have it for the picture alone.
    else this.video.webkitEnterFullscreen?.();
  }

  /** Do what a key stands for; tell whether it stands for anything. */
  press(key) {
    const actions = {
      " ": () => this.toggle(),
      k: () => this.toggle(),
      j: () => this.skip(-STEP),
      l: () => this.skip(STEP),
      ArrowLeft: () => this.skip(-SMALL_STEP),
      ArrowRight: () => this.skip(SMALL_STEP),
      ArrowUp: () => this.loudness(this.video.volume + LOUDER),
      ArrowDown: () => this.loudness(this.video.volume - LOUDER),
      m: () => this.mute(),
      c: () => this.captions(),
      f: () => this.full(),
      t: () => document.dispatchEvent(new CustomEvent("theatre")),
      p: () => this.picture(),
      "?": () => this.controls.help(),
    };
    actions[key]?.();
    return key in actions;
  }

  leave() {
    this.events.abort();
    this.controls.leave();
    this.keeper.leave();
  }
}
