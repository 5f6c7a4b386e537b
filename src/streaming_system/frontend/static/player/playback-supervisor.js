// Keeps a stream playing: selects a source, detects stalls, and retries until a source plays.

import { autoplay, dropEarlyStream, earlyStreamOf } from "./early-stream.js";
import { makeEngine } from "./engines.js";
import { buildMenus } from "./menus.js";
import { refusalOf } from "./refusals.js";
import { CHECK_INTERVAL, detectStall } from "./stall-detection.js";
import { StateEmitter } from "./state-emitter.js";
import { StreamSelection } from "./stream-selection.js";

// The first frame should not wait longer for the tracker's list than this.
const FIRST_LIST_TIMEOUT = 700;
const LIST_TIMEOUT = 2000;
const MIN_BACKOFF = 1000;
const MAX_BACKOFF = 4000;
// After this time of playback a source counts as healthy, and failures are forgotten.
const HEALTHY_AFTER = 10000;
// A player that joins in the middle of a frame may fail to decode it; the next join succeeds.
const MAX_DECODE_RETRIES = 3;
// After this time without playback the page may replace the player with its own message.
const WANTED_GRACE = 120000;
// After this time of a pause the engine stops loading.
const PAUSE_GRACE = 60000;

/**
 * Dispatches `state` when `state` changes (loading, playing, waiting, offline, blocked, stopped), `options` when the
 * menus may have changed, and `drop` before the picture disappears with its engine.
 */
export class PlaybackSupervisor extends StateEmitter {
  constructor(video, { preferences, ...streams }) {
    super();
    Object.assign(this, { video, preferences });
    this.streams = new StreamSelection(video, streams);
    this.failed = new Set();
    this.retries = 0;
    // The number of the current attempt; callbacks of earlier attempts are ignored.
    this.attempt = 0;
    this.engine = null;
    this.source = null;
    // Captions that do not come with the stream.
    this.captions = null;
    this.rate = 1;
    this.retryAt = 0;
    this.refusal = "";
    this.decodeRetries = 0;
    // The qualities of the last HLS stream, for the menu while slides, sound alone or WHEP play.
    this.levels = [];
    this.isWanted = false;
    this.isAsleep = false;
    this.listeners = new AbortController();
    const on = (target, name, action) => target.addEventListener(name, action, { signal: this.listeners.signal });
    on(video, "timeupdate", () => this.onTimeUpdate());
    on(video, "play", () => this.setWanted(true));
    on(video, "pause", () => {
      // A stream that ends or is replaced also dispatches "pause".
      if (this.engine && video.paused && !video.ended && !this.isAtEnd()) this.setWanted(false);
    });
    on(document, "visibilitychange", () => (document.hidden ? this.sleepIfUnattended() : this.wake()));
    on(video, "leavepictureinpicture", () => this.sleepIfUnattended());
    on(window, "online", () => { if (this.isWanted && this.engine === null && !this.isAsleep) this.tryNext(); });
    this.checkTimer = setInterval(() => this.check(), CHECK_INTERVAL);
  }

  start() {
    this.setWanted(true);
    this.unhealthySince = performance.now();
    const { paused, readyState } = this.video;
    this.setState(earlyStreamOf(this.video) && !paused && readyState > 2 ? "playing" : "loading");
    this.isAsleep = document.hidden;
    if (this.isAsleep) dropEarlyStream();
    else this.tryNext();
  }

  setWanted(isWanted) {
    this.isWanted = isWanted;
    this.movedAt = performance.now();
    clearTimeout(this.suspendTimer);
    if (isWanted) {
      if (this.isSuspended) this.engine?.resume();
      this.isSuspended = false;
    } else {
      this.suspendTimer = setTimeout(() => this.suspend(), PAUSE_GRACE);
    }
    this.video.toggleAttribute("data-wanted", isWanted);
  }

  suspend() {
    this.isSuspended = true;
    this.engine?.suspend();
  }

  toggle() {
    if (this.engine && !this.video.paused) this.video.pause();
    else if (this.engine) this.play();
    else if (this.isWanted) this.stop();
    else this.start();
  }

  /** Cancel the retries. */
  stop() {
    this.attempt += 1;
    clearTimeout(this.retryTimer);
    this.setWanted(false);
    this.setState("stopped");
  }

  /** Whether the stream is neither visible nor audible. A picture in picture is always visible. */
  isUnattended() {
    const { paused, muted, volume } = this.video;
    return document.hidden && document.pictureInPictureElement !== this.video && (paused || muted || volume === 0);
  }

  async tryNext(isFirst = this.unhealthySince !== undefined && this.source === null) {
    clearTimeout(this.retryTimer);
    const attempt = (this.attempt += 1);
    this.dropEngine();
    const list = this.streams.update(isFirst ? FIRST_LIST_TIMEOUT : LIST_TIMEOUT);
    if (!isFirst || !this.streams.canStartFromPage(this.preferences)) await list;
    if (attempt !== this.attempt) return;
    const source = await this.streams.next(this.preferences, this.failed, () => attempt === this.attempt);
    if (attempt !== this.attempt) return;
    if (source === null) return this.retryLater();
    const startEngine = await makeEngine(this.video, source, this.preferences, {
      onFail: () => this.onFail(attempt),
      onDecodeError: () => this.onDecodeError(attempt),
      onDiscontinuity: () => { if (attempt === this.attempt) this.retry(); },
      onEnd: () => this.watchEndedPlaylist(attempt, source),
      onSourceChange: () => { if (attempt === this.attempt && this.isWanted) this.play(); },
      onOptionsChange: () => this.emit("options"),
    });
    if (attempt !== this.attempt) return;
    this.source = source;
    Object.assign(this.video.dataset, { endpoint: source.server, format: source.format, quality: source.quality });
    this.movedAt = performance.now();
    this.playingSince = null;
    this.position = 0;
    this.isPlaylistEnded = false;
    const isEarly = earlyStreamOf(this.video) !== null;
    this.engine = startEngine();
    if (isEarly) this.onTimeUpdate();
    this.emit("options");
    this.play();
  }

  /** An ended stream may start again: poll its playlist while the last seconds play. */
  async watchEndedPlaylist(attempt, source) {
    if (attempt !== this.attempt || this.isPlaylistEnded) return;
    this.isPlaylistEnded = true;
    this.streams.progress.store(source, this.engine.playlist);
    if (await this.streams.progress.hasContinued(source, () => attempt === this.attempt)) this.tryNext();
  }

  /** Whether an ended stream has played, except for the last half second. */
  isAtEnd() {
    const { buffered, currentTime } = this.video;
    return this.isPlaylistEnded && (buffered.length === 0 || buffered.end(buffered.length - 1) - currentTime < 0.5);
  }

  async play() {
    if (await autoplay(this.video, () => { this.isAutoMuted = true; })) return;
    this.setWanted(false);
    this.setState("blocked");
  }

  onTimeUpdate() {
    const { currentTime } = this.video;
    if (!this.engine || currentTime === this.position) return;
    // Fast playback ends when it reaches live.
    if (this.rate > 1 && this.engine.secondsBehind() < 0.5) this.setRate(1);
    this.position = currentTime;
    const now = (this.movedAt = this.unhealthySince = performance.now());
    if (this.playingSince === null && !this.video.seeking && this.video.readyState > 1) {
      this.playingSince = now;
      this.video.toggleAttribute("data-wanted", this.isWanted);
      this.setState("playing");
    } else if (this.state === "loading") this.setState("playing");
    if (this.playingSince !== null && now - this.playingSince > HEALTHY_AFTER) {
      this.failed.clear();
      this.decodeRetries = 0;
      this.retries = 0;
    }
  }

  /** Detect stalls. */
  check() {
    if (!this.isWanted || this.isAsleep) return;
    const now = performance.now();
    if (now - this.unhealthySince > WANTED_GRACE) this.video.removeAttribute("data-wanted");
    if (!this.engine || this.video.paused && !this.video.ended) return;
    const stall = detectStall(this, this.isAtEnd(), now);
    if (stall === "failed") this.onFail(this.attempt);
    else if (stall === "slow" && this.state === "playing") this.setState("loading");
  }

  onFail(attempt) {
    if (attempt !== this.attempt) return;
    this.streams.progress.store(this.source, this.engine?.playlist);
    if (this.source) this.failed.add(this.source.url);
    this.retry();
  }

  /** Join the same stream again at once; if that does not help, it is a failure like others. */
  onDecodeError(attempt) {
    if (attempt !== this.attempt) return;
    this.decodeRetries += 1;
    if (this.decodeRetries > MAX_DECODE_RETRIES) this.onFail(attempt);
    else this.retry();
  }

  /** Try the next source; after a pause the viewer has to press play. */
  retry() {
    if (this.isWanted) return this.tryNext();
    this.attempt += 1;
    this.dropEngine();
    this.setState("stopped");
  }

  /** All sources have failed: retry all with backoff and jitter. */
  async retryLater() {
    const [lastFailed = ""] = [...this.failed].slice(-1);
    this.failed.clear();
    this.decodeRetries = 0;
    const backoff = Math.min(MIN_BACKOFF * 2 ** this.retries, MAX_BACKOFF) * (0.75 + 0.25 * Math.random());
    this.retryAt = performance.now() + backoff;
    this.setState(navigator.onLine ? "waiting" : "offline");
    if (this.isUnattended()) return this.sleepIfUnattended();
    this.retries += 1;
    this.retryTimer = setTimeout(() => this.tryNext(), backoff);
    this.refusal = lastFailed ? await refusalOf(lastFailed) : "";
    this.emit("state");
  }

  /** The viewer does not want to wait for the next attempt. */
  retryNow() {
    this.retries = 0;
    this.retryAt = 0;
    this.tryNext();
  }

  sleepIfUnattended() {
    if (!this.isUnattended()) return;
    if (!this.isWanted) return this.suspend();
    this.isAsleep = true;
    this.attempt += 1;
    clearTimeout(this.retryTimer);
    this.dropEngine();
  }

  wake() {
    this.movedAt = performance.now();
    if (!this.isAsleep) return;
    this.isAsleep = false;
    this.unhealthySince = performance.now();
    this.retries = 0;
    this.tryNext();
  }

  /** Apply a preference; another stream follows if it requires one. */
  choose(name, value) {
    this.preferences = { ...this.preferences, [name]: value };
    const optional = this.streams.optional(this.preferences);
    const isSameStream = optional ? this.source?.stream === optional : !this.source?.extra;
    if (this.engine && (!isSameStream || !this.engine.choose(name, value))) this.tryNext();
    this.emit("options");
  }

  setRate(rate) {
    this.rate = rate;
    this.engine?.setRate(rate);
    this.emit("options");
  }

  /** Return the options and the chosen one of each menu, by the names of preferences. */
  menus() {
    const { engine, source, preferences, captions } = this;
    if (engine && source.format === "hls") this.levels = engine.qualities();
    return buildMenus({ engine, source, available: this.streams.all(), levels: this.levels, preferences, captions });
  }

  /** Return the shortest delay behind the newest moment, in seconds, at which the stream plays without stalls. */
  minDelay() {
    return this.engine?.targetDelay() ?? 0;
  }

  dropEngine() {
    const { engine } = this;
    if (engine) this.emit("drop");
    this.engine = null;
    this.rate = 1;
    engine?.destroy();
  }

  destroy() {
    this.attempt += 1;
    clearTimeout(this.retryTimer);
    clearTimeout(this.suspendTimer);
    clearInterval(this.checkTimer);
    this.listeners.abort();
    this.dropEngine();
  }
}
