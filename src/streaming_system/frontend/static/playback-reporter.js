// Reports the quality of playback to the tracker. docs/reference/playback.md describes the report, which contains no name, no
// address and no id that outlives the page.
//
// A player is a <video> or <audio> with data-playback (the URL for reports) and data-endpoint (the source of the stream).
// It counts from the moment when the viewer presses play. An <iframe> with the same data is another site's player: its
// report only contains that it is open and visible.

const CMCD_VERSION = 2;
const FALLBACK_INTERVAL = 30000;
// The tracker accepts a report that is late by half of the interval plus two seconds, so there is time for one retry.
const REQUEST_TIMEOUT = 3000;
const MIN_BACKOFF = 500;
const MAX_BACKOFF = 120000;
// A restored player has to play for this long before it reports, so that no late report can revive it.
const RESUME_DELAY = 1000;
// A viewer who pauses for longer no longer counts.
const PAUSE_GRACE = 300000;
// A shorter stall is a change of rendition.
const MIN_STALL = 100;

const reporters = new WeakMap();
const active = new Set();

class PlaybackReporter {
  constructor(element) {
    this.element = element;
    this.sid = randomId();
    this.requestedAt = null;
    this.startupMs = null;
    this.playingSince = null;
    this.stalledSince = null;
    this.playedMs = this.stalledMs = this.stalls = this.errors = this.dropped = 0;
    this.droppedBefore = 0;
    // Whether the tracker counts this viewer.
    this.isActive = false;
    this.hasReported = false;
    this.origin = this.currentOrigin();
    this.failures = 0;
  }

  /** Take over the times of a stream that has started before this script. */
  addEarlyStart({ requestedAt, playingAt }) {
    this.requestedAt = Number(requestedAt);
    if (!playingAt) return;
    this.startupMs = playingAt - requestedAt;
    if (this.element.paused) return;
    this.activate();
    this.playingSince = Number(playingAt);
  }

  /** The element shows its first frame, or another one after a stall. */
  onPlaying() {
    const now = performance.now();
    this.startupMs ??= now - (this.requestedAt ?? now);
    this.activate();
  }

  activate() {
    if (this.playingSince === null) {
      this.closeInterval();
      this.playingSince = performance.now();
    }
    clearTimeout(this.pauseTimer);
    const origin = this.currentOrigin();
    if (!this.isActive) {
      this.isActive = true;
      this.origin = origin;
      active.add(this);
      this.scheduleReport(this.hasReported ? RESUME_DELAY : 0);
    } else if (Object.keys(origin).some((key) => origin[key] !== this.origin[key])) {
      this.origin = origin;
      this.scheduleReport(0);
    }
  }

  onWaiting() {
    // Time before the first frame is startup time.
    if (this.startupMs === null || this.element.paused || this.stalledSince !== null) return;
    this.closeInterval();
    // The viewer causes the wait after a seek.
    if (!this.element.seeking) this.stalledSince = performance.now();
  }

  /** Add the current interval of playing or stalling to its total. */
  closeInterval() {
    const now = performance.now();
    if (this.playingSince !== null) this.playedMs += now - this.playingSince;
    this.playingSince = null;
    if (this.isStalled(now)) {
      this.stalledMs += now - this.stalledSince;
      this.stalls += 1;
    }
    this.stalledSince = null;
  }

  isStalled(now) {
    return this.stalledSince !== null && now - this.stalledSince >= MIN_STALL;
  }

  onPause() {
    this.closeInterval();
    clearTimeout(this.pauseTimer);
    if (this.isActive) this.pauseTimer = setTimeout(() => this.deactivate("q"), PAUSE_GRACE);
  }

  onError() {
    // An error before the viewer presses play does not count.
    if (this.requestedAt === null) return;
    this.errors += 1;
    this.deactivate("f");
  }

  /** Send the end report. The player may resume later. */
  deactivate(state) {
    this.closeInterval();
    clearTimeout(this.reportTimer);
    clearTimeout(this.pauseTimer);
    // A player that has never played only reports a failure.
    if (this.isActive || state === "f") {
      this.hasReported = true;
      navigator.sendBeacon(this.element.dataset.playback, JSON.stringify(this.buildReport(state)));
    }
    this.isActive = false;
    active.delete(this);
  }

  scheduleReport(milliseconds) {
    clearTimeout(this.reportTimer);
    this.reportTimer = setTimeout(() => this.send(), milliseconds);
  }

  async send() {
    // The page may have replaced the element.
    if (!this.element.isConnected) return this.deactivate("q");
    // The rendition may have changed during playback.
    this.origin = this.currentOrigin();
    this.hasReported = true;
    try {
      const response = await fetch(this.element.dataset.playback, {
        method: "POST",
        body: JSON.stringify(this.buildReport(this.state())),
        credentials: "omit",
        keepalive: true,
        signal: AbortSignal.timeout?.(REQUEST_TIMEOUT),
      });
      // The tracker would reject the same report again.
      if (response.status >= 400 && response.status < 500 && response.status !== 429) return;
      if (!response.ok) throw new RetryLaterError(response.headers.get("Retry-After"));
      const { next } = await response.json();
      this.failures = 0;
      // Jitter spreads the reports of all viewers.
      if (this.isActive) this.scheduleReport(1000 * next * (0.9 + 0.1 * Math.random()) || FALLBACK_INTERVAL);
    } catch (error) {
      const delay = error instanceof RetryLaterError ? error.milliseconds : MIN_BACKOFF;
      const backoff = delay * 2 ** this.failures * (0.5 + Math.random());
      this.failures += 1;
      if (this.isActive) this.scheduleReport(Math.min(backoff, MAX_BACKOFF));
    }
  }

  state() {
    if (this.element.paused) return "a";
    return this.stalledSince === null ? "p" : "r";
  }

  buildReport(state) {
    const now = performance.now();
    const sum = (total, since) => Math.round(total + (since === null ? 0 : now - since));
    const isStalled = this.isStalled(now);
    return {
      v: CMCD_VERSION,
      sid: this.sid,
      ...this.origin,
      msd: this.startupMs === null ? null : Math.min(Math.round(this.startupMs), 600000),
      played: sum(this.playedMs, this.playingSince),
      bsa: this.stalls + (isStalled ? 1 : 0),
      bsda: sum(this.stalledMs, isStalled ? this.stalledSince : null),
      dfa: this.countDroppedFrames(),
      errors: this.errors,
      sta: state,
      bg: document.hidden,
    };
  }

  /** Return the dropped frames of all streams; browsers reset their counter with each stream. */
  countDroppedFrames() {
    const dropped = this.element.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0;
    if (dropped < this.droppedBefore) this.dropped += this.droppedBefore;
    this.droppedBefore = dropped;
    return this.dropped + dropped;
  }

  /** Return the endpoint, format and quality of the source that the browser has selected. */
  currentOrigin() {
    const { element } = this;
    const source = [...element.querySelectorAll("source")].find(({ src }) => src === element.currentSrc);
    const data = { ...element.dataset, ...source?.dataset };
    return { cdn: data.endpoint ?? "", format: data.format || null, quality: data.quality ?? "" };
  }
}

class RetryLaterError extends Error {
  constructor(seconds) {
    super();
    this.milliseconds = 1000 * (Number(seconds) || 5);
  }
}

/** A random UUID; crypto.randomUUID requires https. */
function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Call a function with the reporter of the player that an event belongs to. */
function on(event, method) {
  // Media events do not bubble. A capturing listener on the document also receives the events of players that are
  // added later.
  document.addEventListener(event, ({ target }) => {
    const element = target.closest?.("[data-playback]");
    if (!element || (target !== element && event !== "error")) return;
    method(reporterOf(element), target);
  }, true);
}

function reporterOf(element) {
  if (!reporters.has(element)) reporters.set(element, new PlaybackReporter(element));
  return reporters.get(element);
}

for (const element of document.querySelectorAll("[data-playback][data-requested-at]")) reporterOf(element).addEarlyStart(element.dataset);
on("play", (reporter) => { reporter.requestedAt ??= performance.now(); });
on("playing", (reporter) => reporter.onPlaying());
on("embed-opened", (reporter) => {
  endRemovedPlayers();
  reporter.activate();
});
on("waiting", (reporter) => reporter.onWaiting());
on("pause", (reporter) => reporter.onPause());
on("emptied", (reporter) => reporter.closeInterval());
on("ended", (reporter) => reporter.deactivate("e"));
on("error", (reporter, target) => {
  // Playback only fails when the last of several sources fails.
  const { element } = reporter;
  if (target === element || target === element.querySelector("source:last-of-type")) reporter.onError();
});

/** End the reports of players that were replaced, so that their viewer counts once. */
function endRemovedPlayers() {
  for (const reporter of [...active]) if (!reporter.element.isConnected) reporter.deactivate("q");
}

document.addEventListener("content-replaced", endRemovedPlayers);
addEventListener("pagehide", () => { for (const reporter of [...active]) reporter.deactivate("q"); });
// Players resume by themselves when the browser restores the page from its back-forward cache.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const element of document.querySelectorAll("[data-playback]")) {
    if (!element.paused && !element.ended) reporters.get(element)?.activate();
  }
});
// The tracker chooses another interval for pages in the background.
document.addEventListener("visibilitychange", () => {
  for (const reporter of active) reporter.scheduleReport(0);
  for (const frame of document.querySelectorAll("iframe[data-playback]")) {
    if (document.hidden) reporters.get(frame)?.onPause();
    else reporters.get(frame)?.activate();
  }
});
