// Playback by the browser itself: endless files, and HLS where hls.js does not run.

import { findTrack, keyOf, optionsOf, showOnly, streamTextTracks } from "./tracks.js";

const HLS_TYPE = "application/vnd.apple.mpegurl";
// The browser's own delay behind live is unknown; this is above it.
const BEHIND_THRESHOLD_SECONDS = 16;

export class NativeEngine {
  constructor(video, source, preferences, callbacks) {
    this.video = video;
    this.preferences = preferences;
    this.isHls = source.type === HLS_TYPE;
    this.playlist = null;
    this.lastDataAt = performance.now();
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    const on = (name, action) => video.addEventListener(name, action, { signal });
    on("error", () => (video.error?.code === MediaError.MEDIA_ERR_DECODE ? callbacks.onDecodeError() : callbacks.onFail()));
    on("ended", () => callbacks.onFail());
    on("progress", () => { this.lastDataAt = performance.now(); });
    for (const list of [video.textTracks, video.audioTracks]) {
      for (const name of ["addtrack", "removetrack", "change"]) {
        list?.addEventListener(name, () => callbacks.onOptionsChange(), { signal });
      }
      list?.addEventListener("addtrack", () => { this.selectAudio(); this.selectSubtitles(); }, { signal });
    }
    video.dataset.quality = source.quality;
    this.url = source.url;
    video.src = source.url;
  }

  qualities() {
    return [];
  }

  /** Apply a preference; return false if it requires a new engine. */
  choose(name, value) {
    this.preferences = { ...this.preferences, [name]: value };
    if (name === "language") this.selectAudio();
    else if (name === "subtitles") this.selectSubtitles();
    return name === "language" || name === "subtitles";
  }

  selectAudio() {
    const tracks = [...(this.video.audioTracks ?? [])];
    const chosen = findTrack(tracks, this.preferences.language);
    if (chosen >= 0) tracks.forEach((track, number) => { track.enabled = number === chosen; });
  }

  selectSubtitles() {
    const tracks = streamTextTracks(this.video);
    showOnly(tracks, tracks[findTrack(tracks, this.preferences.subtitles)]);
  }

  tracks() {
    const audio = [...(this.video.audioTracks ?? [])];
    const subtitles = streamTextTracks(this.video);
    const key = (track, tracks) => (track ? keyOf(track, tracks) : "");
    return {
      language: { options: optionsOf(audio), chosen: key(audio.find(({ enabled }) => enabled), audio) },
      subtitles: { options: optionsOf(subtitles), chosen: key(subtitles.find(({ mode }) => mode === "showing"), subtitles) },
    };
  }

  /** Return the seconds behind live; null if unknown: only playlists contain the newest moment. */
  latency() {
    return this.isHls ? this.secondsBehind() || null : null;
  }

  /** Return the seconds between a position and its time since 1970; null if unknown. */
  clockOffset() {
    const start = this.video.getStartDate?.().getTime();
    return Number.isFinite(start) ? start / 1000 : null;
  }

  setRate(rate) {
    this.video.playbackRate = rate;
  }

  canSetRate() {
    return this.isHls;
  }

  /** Return the newest position that is seekable or buffered. */
  liveEdge() {
    const { seekable, buffered } = this.video;
    const last = seekable.length ? seekable.end(seekable.length - 1) : Infinity;
    if (Number.isFinite(last) && last > 0) return last;
    return buffered.length ? buffered.end(buffered.length - 1) : 0;
  }

  secondsBehind() {
    return Math.max(0, this.liveEdge() - this.video.currentTime);
  }

  isBehind() {
    return this.secondsBehind() > BEHIND_THRESHOLD_SECONDS;
  }

  targetDelay() {
    return 0;
  }

  /** Load the stream again: only the start of a new response is certainly live. */
  seekToLive() {
    this.video.src = this.url;
    this.video.play().catch(() => {});
  }

  suspend() {}

  resume() {
    this.lastDataAt = performance.now();
  }

  destroy() {
    this.listeners.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
