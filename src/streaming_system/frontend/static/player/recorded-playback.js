// Plays the recording of a talk: one playlist or file, or several files one after the other.

import { makeEngine } from "./engines.js";
import { addCaptions } from "./menus.js";
import { StateEmitter } from "./state-emitter.js";

// Playback that fails more often than this in a row stops with a message.
const MAX_FAILURES = 3;
const RETRY_DELAY = 2000;
// The last part of a file may be shorter than its metadata say.
const END_TOLERANCE_SECONDS = 1;

/** It has the interface of PlaybackSupervisor that the controls use. */
export class RecordedPlayback extends StateEmitter {
  constructor(video, { parts, preferences }) {
    super();
    Object.assign(this, { video, parts, preferences });
    this.isRecorded = true;
    this.streams = { known: { youtube: "" }, all: () => [] };
    this.source = { audio: false };
    this.engine = null;
    this.part = 0;
    this.attempt = 0;
    this.failures = 0;
    this.captions = null;
    this.rate = 1;
    this.isWanted = false;
    // The part and the seconds at which the first playback starts; null for the beginning.
    this.startAt = null;
    this.state = "stopped";
    this.listeners = new AbortController();
    const on = (name, action) => video.addEventListener(name, action, { signal: this.listeners.signal });
    on("timeupdate", () => this.onTimeUpdate());
    on("loadedmetadata", () => this.checkStart());
    on("ended", () => this.playNextPart());
    on("play", () => { this.isWanted = true; });
    on("pause", () => { if (!video.ended) this.isWanted = false; });
  }

  /** Return where the current part begins and ends in its file, in seconds. */
  bounds() {
    const { start, end } = this.parts[this.part];
    const { duration } = this.video;
    return [start, end === null ? duration : Math.min(end, duration || end)];
  }

  async toggle() {
    if (this.engine && !this.video.paused) this.video.pause();
    else if (this.engine && this.state !== "stopped") await this.play();
    else await this.playFirst();
  }

  async playFirst() {
    const { part, seconds } = this.startAt ?? { part: 0, seconds: 0 };
    this.startAt = null;
    await this.playPart(part, seconds);
  }

  /** Whether the recording has a position, as far as its length is known. */
  canStartAt({ part, seconds }) {
    const { start, end } = this.parts[part] ?? { start: 0, end: 0 };
    return end === null || start + seconds < end;
  }

  /** Play a part from a number of seconds after its beginning. */
  async playPart(number, seconds = 0) {
    const attempt = (this.attempt += 1);
    clearTimeout(this.retryTimer);
    this.engine?.destroy();
    this.engine = null;
    this.part = number;
    this.isWanted = true;
    this.setState("loading");
    const { url, type, start: partStart } = this.parts[number];
    const start = partStart + seconds;
    this.seconds = seconds;
    // hls.js gets the start, and the browser the fragment of a file's address.
    const source = { url: start ? `${url}#t=${start}` : url, type, quality: "", startPosition: start };
    const startEngine = await makeEngine(this.video, source, this.preferences, {
      onFail: () => this.onFail(attempt),
      onDiscontinuity() {},
      onEnd() {},
      onSourceChange: () => this.play(),
      onOptionsChange: () => this.emit("options"),
    });
    if (attempt !== this.attempt) return;
    this.engine = startEngine();
    if (this.rate !== 1) this.engine.setRate(this.rate);
    await this.play();
  }

  /** Go to the beginning of a part that is shorter than the requested start. */
  checkStart() {
    const [start, end] = this.bounds();
    if (!this.seconds || start + this.seconds < end) return;
    this.seconds = 0;
    this.video.currentTime = start;
    this.emit("too-late");
  }

  async play() {
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this.setState("blocked");
    }
  }

  onTimeUpdate() {
    const { currentTime, paused } = this.video;
    if (!this.engine || paused || currentTime === 0) return;
    const [, end] = this.bounds();
    if (currentTime >= end) return this.playNextPart();
    this.failures = 0;
    this.setState("playing");
  }

  playNextPart() {
    if (!this.engine || this.state === "stopped") return;
    if (this.part + 1 < this.parts.length) return this.playPart(this.part + 1);
    this.isWanted = false;
    this.emit("finished");
    this.setState("stopped");
    this.video.pause();
  }

  onFail(attempt) {
    if (attempt !== this.attempt || this.state === "stopped") return;
    const [, end] = this.bounds();
    // An engine expects an endless stream: for it, the end is a failure.
    if (this.video.ended || end - this.video.currentTime < END_TOLERANCE_SECONDS) return this.playNextPart();
    this.failures += 1;
    if (this.failures <= MAX_FAILURES) {
      this.retryTimer = setTimeout(() => this.playPart(this.part), RETRY_DELAY * this.failures);
    } else {
      this.failures = 0;
      this.engine?.destroy();
      this.engine = null;
      this.isWanted = false;
      this.setState("failed");
    }
  }

  choose(name, value) {
    this.preferences = { ...this.preferences, [name]: value };
    this.engine?.choose(name, value);
    this.emit("options");
  }

  setRate(rate) {
    this.rate = rate;
    this.engine?.setRate(rate);
    this.emit("options");
  }

  menus() {
    const { engine, captions } = this;
    const none = { options: [], chosen: "" };
    return {
      quality: engine ? { options: engine.qualities(), chosen: engine.chosen ?? "auto" } : none,
      delay: none,
      ...addCaptions(engine?.tracks() ?? { language: none, subtitles: none }, captions),
    };
  }

  /** A recording goes on without sound. */
  sleepIfUnattended() {}

  stop() {
    this.video.pause();
  }

  destroy() {
    this.attempt += 1;
    clearTimeout(this.retryTimer);
    this.listeners.abort();
    this.engine?.destroy();
  }
}
