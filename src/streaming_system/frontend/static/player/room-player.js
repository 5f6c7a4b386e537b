// The player of a room: supervisor, controls, keyboard shortcuts and stored preferences.

import { Controls } from "./controls.js";
import { dropEarlyStream, earlyStreamOf, isAutoplayAllowed } from "./early-stream.js";
import { listenForShortcuts } from "./keyboard-shortcuts.js";
import { PlaybackSupervisor } from "./playback-supervisor.js";
import { loadPreferences, storePreferences } from "./preferences.js";
import { isSoundOnly, soundOption } from "./sound-only.js";

const SKIP_SECONDS = 10;
const SHORT_SKIP_SECONDS = 5;
const VOLUME_STEP = 0.05;

export class RoomPlayer {
  constructor(stage) {
    this.stage = stage;
    this.video = stage.querySelector("video");
    const { video } = this;
    const preferences = this.loadPreferences();
    const streams = this.findStreams();
    const early = earlyStreamOf(video);
    // The supervisor selects the source from here on. The early stream may have added subtitle tracks.
    for (const source of video.querySelectorAll("source")) source.remove();
    video.controls = false;
    if (!early) {
      video.load();
      video.volume = preferences.volume;
      video.muted = preferences.muted;
    }
    this.supervisor = this.makeSupervisor({ ...streams, preferences });
    if (early?.isAutoMuted) this.supervisor.isAutoMuted = true;
    this.controls = this.makeControls();
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    for (const name of ["state", "options"]) this.supervisor.addEventListener(name, () => this.controls.update());
    video.addEventListener("volumechange", () => this.onVolumeChange(), { signal });
    document.addEventListener("content-replaced", () => { if (!stage.isConnected) this.destroy(); }, { signal });
    listenForShortcuts(stage, this, signal);
    this.supervisor.addEventListener("state", () => this.startExtras());
    this.begin();
  }

  loadPreferences() {
    return loadPreferences();
  }

  /** Return the streams that the page contains. */
  findStreams() {
    const { stage, video } = this;
    const formats = JSON.parse(stage.dataset.formats);
    const initial = [...video.querySelectorAll("source")].map(({ src, type, dataset: { format, quality } }) => {
      const stream = [format, quality].filter(Boolean).join("_");
      const [, , , label] = formats.find(([name]) => name === stream);
      return { server: video.dataset.endpoint, url: src, type, stream, format, quality, label, audio: type.startsWith("audio/"), extra: false };
    });
    return { list: stage.dataset.list, formats, initial };
  }

  makeSupervisor(streams) {
    return new PlaybackSupervisor(this.video, streams);
  }

  makeControls() {
    return new Controls(this.stage, this);
  }

  begin() {
    if (isAutoplayAllowed(this.stage)) this.supervisor.start();
    else this.supervisor.stop();
  }

  /** The first frame does not wait for what only a playing stream needs. */
  async startExtras() {
    const { signal } = this.listeners;
    if (this.hasExtras || this.supervisor.state !== "playing") return;
    this.hasExtras = true;
    const { startExtras } = await import("./extras.js");
    if (!signal.aborted) startExtras(this, signal);
  }

  /** Another player has the sound now. */
  yieldSound() {
    Object.assign(this.supervisor, { isAutoMuted: true, isSoundTaken: true });
    this.video.muted = true;
    this.supervisor.sleepIfUnattended();
  }

  onVolumeChange() {
    const { muted, volume } = this.video;
    if (!muted) Object.assign(this.supervisor, { isAutoMuted: false, isSoundTaken: false });
    // Muting for autoplay is not a preference of the viewer.
    if (!this.supervisor.isAutoMuted) storePreferences({ volume, muted });
    this.controls.update();
  }

  /** Play the sound without the picture, or the picture again. */
  toggleSoundOnly() {
    const { supervisor } = this;
    this.choose("quality", isSoundOnly(supervisor) ? "auto" : soundOption(supervisor).id);
    if (supervisor.engine === null && supervisor.isWanted) supervisor.retryNow();
  }

  togglePlayback() {
    this.supervisor.toggle();
  }

  toggleMute() {
    this.video.muted = !this.video.muted;
    if (!this.video.muted && this.video.volume === 0) this.video.volume = 0.5;
  }

  setVolume(volume) {
    this.video.volume = Math.min(1, Math.max(0, volume));
    this.video.muted = false;
  }

  skip(seconds) {
    this.seek(this.video.currentTime + seconds);
  }

  /** Seek to a position, limited to the seekable range and to the shortest stable delay. */
  seek(position) {
    const { seekable } = this.video;
    if (seekable.length === 0) return;
    const newest = seekable.end(seekable.length - 1) - this.supervisor.minDelay();
    this.video.currentTime = Math.max(seekable.start(0), Math.min(position, newest));
  }

  seekToLive() {
    this.supervisor.engine?.seekToLive();
    if (this.video.paused) this.togglePlayback();
  }

  choose(name, value) {
    storePreferences({ [name]: value });
    this.supervisor.choose(name, value);
  }

  /** Toggle subtitles: those shown last, or those in the page's language, or the first. */
  toggleSubtitles() {
    const { options, chosen } = this.supervisor.menus().subtitles;
    if (options.length === 0) return;
    if (chosen) this.lastSubtitles = chosen;
    const ids = options.map(({ id }) => id);
    const next = ids.find((id) => id === this.lastSubtitles) ?? ids.find((id) => id.split(":").at(-1).startsWith(document.documentElement.lang)) ?? ids[0];
    this.choose("subtitles", chosen ? "" : next);
  }

  setRate(rate) {
    this.supervisor.setRate(rate);
  }

  async togglePictureInPicture() {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture?.().catch(() => {});
  }

  async toggleFullscreen() {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (this.stage.requestFullscreen) await this.stage.requestFullscreen().catch(() => {});
    // iPhones only support fullscreen for the video element.
    else this.video.webkitEnterFullscreen?.();
  }

  /** Perform the action of a key; return whether the key has one. */
  handleKey(key) {
    const actions = {
      " ": () => this.togglePlayback(),
      k: () => this.togglePlayback(),
      j: () => this.skip(-SKIP_SECONDS),
      l: () => this.skip(SKIP_SECONDS),
      ArrowLeft: () => this.skip(-SHORT_SKIP_SECONDS),
      ArrowRight: () => this.skip(SHORT_SKIP_SECONDS),
      ArrowUp: () => this.setVolume(this.video.volume + VOLUME_STEP),
      ArrowDown: () => this.setVolume(this.video.volume - VOLUME_STEP),
      m: () => this.toggleMute(),
      c: () => this.toggleSubtitles(),
      f: () => this.toggleFullscreen(),
      t: () => document.dispatchEvent(new CustomEvent("theatre")),
      p: () => this.togglePictureInPicture(),
      "?": () => this.controls.toggleHelp(),
    };
    actions[key]?.();
    return key in actions;
  }

  destroy() {
    this.listeners.abort();
    this.controls.destroy();
    this.supervisor.destroy();
    if (earlyStreamOf(this.video)) dropEarlyStream();
  }
}
