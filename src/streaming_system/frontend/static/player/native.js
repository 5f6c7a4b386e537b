// What the browser plays by itself: files that never end, and HLS where hls.js does not run.

import { find, keyOf, optionsOf } from "./tracks.js";

const HLS_TYPE = "application/vnd.apple.mpegurl";
// Nobody knows how far the browser stays behind by itself.
const BEHIND_FROM = 16;

export class NativeEngine {
  constructor(video, source, choices, told) {
    this.video = video;
    this.choices = choices;
    this.isHls = source.type === HLS_TYPE;
    this.mark = null;
    this.dataAt = performance.now();
    this.events = new AbortController();
    const on = (name, action) => video.addEventListener(name, action, { signal: this.events.signal });
    on("error", () => told.fails());
    on("ended", () => told.fails());
    on("progress", () => { this.dataAt = performance.now(); });
    for (const list of [video.textTracks, video.audioTracks]) {
      for (const name of ["addtrack", "removetrack", "change"]) {
        list?.addEventListener(name, () => told.changes(), { signal: this.events.signal });
      }
      list?.addEventListener("addtrack", () => { this.speaks(); this.writes(); }, { signal: this.events.signal });
    }
    video.dataset.quality = source.quality;
    this.url = source.url;
    video.src = source.url;
  }

  qualities() {
    return [];
  }

  /** Do what a viewer has chosen; tell whether that goes without beginning anew. */
  choose(name, value) {
    this.choices = { ...this.choices, [name]: value };
    if (name === "language") this.speaks();
    else if (name === "subtitles") this.writes();
    return name === "language" || name === "subtitles";
  }

  speaks() {
    const tracks = [...(this.video.audioTracks ?? [])];
    const chosen = find(tracks, this.choices.language);
    if (chosen >= 0) tracks.forEach((track, number) => { track.enabled = number === chosen; });
  }

  texts() {
    return [...this.video.textTracks].filter(({ kind }) => kind === "subtitles" || kind === "captions");
  }

  writes() {
    const tracks = this.texts();
    const chosen = find(tracks, this.choices.subtitles);
    tracks.forEach((track, number) => { track.mode = number === chosen ? "showing" : "disabled"; });
  }

  tracks() {
    const sounds = [...(this.video.audioTracks ?? [])];
    const texts = this.texts();
    const key = (track, tracks) => (track ? keyOf(track, tracks) : "");
    return {
      language: { options: optionsOf(sounds), chosen: key(sounds.find(({ enabled }) => enabled), sounds) },
      subtitles: { options: optionsOf(texts), chosen: key(texts.find(({ mode }) => mode === "showing"), texts) },
    };
  }

  /** Only playlists say how new the newest moment is. */
  latency() {
    return this.isHls ? this.behind() || null : null;
  }

  runs(rate) {
    this.video.playbackRate = rate;
  }

  hasPace() {
    return this.isHls;
  }

  /** What the browser lets us seek in, or has loaded. */
  edge() {
    const { seekable, buffered } = this.video;
    const last = seekable.length ? seekable.end(seekable.length - 1) : Infinity;
    if (Number.isFinite(last) && last > 0) return last;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  behind() {
    return Math.max(0, this.edge() - this.video.currentTime);
  }

  isBehind() {
    return this.behind() > BEHIND_FROM;
  }

  delay() {
    return 0;
  }

  /** Only the beginning of a new answer is live for sure. */
  toLive() {
    this.video.src = this.url;
    this.video.play().catch(() => {});
  }

  rests() {}

  goesOn() {
    this.dataAt = performance.now();
  }

  leave() {
    this.events.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
