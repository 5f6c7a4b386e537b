// Tells the tracker how well a stream plays, and that somebody watches. docs/playback.md says what is
// sent, and what is not: no name, no address, nothing that outlives the page.
//
// A player is a <video> or <audio> with data-playback (where reports go) and data-endpoint (whose
// stream it is). It is watched from the moment that somebody presses play. Of another site's player, in an <iframe> with the
// same data, we only know that somebody has it open and in sight.

const CMCD_VERSION = 2;
const FALLBACK_INTERVAL = 30000;
// The tracker lets a report be late by half of the interval and two seconds: there is time for a second try.
const GIVE_UP_AFTER = 3000;
const TRY_AGAIN_AFTER = 500;
const LONGEST_WAIT = 120000;
// A player that comes back has to show that it plays, so that no late report can revive it.
const PLAYS_ON_FOR = 1000;
// Whoever has stopped the picture for that long is not watching.
const PAUSED_FOR = 300000;
// A stream that stands still for less than that has only changed its step.
const SHORTEST_WAIT = 100;

const players = new WeakMap();
const open = new Set();

class Player {
  constructor(element) {
    this.element = element;
    this.sid = randomId();
    this.wantedAt = null;
    this.startup = null;
    this.playedSince = null;
    this.stoodSince = null;
    this.played = this.stood = this.stalls = this.errors = this.dropped = 0;
    this.droppedBefore = 0;
    // Whether the tracker counts it; what it was last told to play.
    this.present = false;
    this.origin = this.currentOrigin();
    this.failures = 0;
  }

  /** The picture moves, or sound is heard. */
  begins() {
    const now = performance.now();
    this.startup ??= now - (this.wantedAt ?? now);
    this.plays();
  }

  plays() {
    const now = performance.now();
    if (this.playedSince === null) {
      this.rests();
      this.playedSince = now;
    }
    clearTimeout(this.farewell);
    const origin = this.currentOrigin();
    if (!this.present) {
      this.present = true;
      this.origin = origin;
      open.add(this);
      this.reportIn(this.known ? PLAYS_ON_FOR : 0);
    } else if (Object.keys(origin).some((key) => origin[key] !== this.origin[key])) {
      this.origin = origin;
      this.reportIn(0);
    }
  }

  /** There is no data, while there should be some. */
  waits() {
    // What comes before the first picture is the start.
    if (this.startup === null || this.element.paused || this.stoodSince !== null) return;
    this.rests();
    // A seek is the viewer's own wish.
    if (!this.element.seeking) this.stoodSince = performance.now();
  }

  /** It neither plays nor waits any more, for whatever reason. */
  rests() {
    const now = performance.now();
    if (this.playedSince !== null) this.played += now - this.playedSince;
    this.playedSince = null;
    if (this.stands(now)) {
      this.stood += now - this.stoodSince;
      this.stalls += 1;
    }
    this.stoodSince = null;
  }

  stands(now) {
    return this.stoodSince !== null && now - this.stoodSince >= SHORTEST_WAIT;
  }

  pauses() {
    this.rests();
    clearTimeout(this.farewell);
    if (this.present) this.farewell = setTimeout(() => this.leave("q"), PAUSED_FOR);
  }

  fails() {
    // What nobody wanted to see cannot fail them.
    if (this.wantedAt === null) return;
    this.errors += 1;
    this.leave("f");
  }

  /** Say goodbye. It may play on later. */
  leave(state) {
    this.rests();
    clearTimeout(this.timer);
    clearTimeout(this.farewell);
    // A player that has never played is only worth a word if it could not.
    if (this.present || state === "f") {
      this.known = true;
      navigator.sendBeacon(this.element.dataset.playback, JSON.stringify(this.report(state)));
    }
    this.present = false;
    open.delete(this);
  }

  reportIn(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), milliseconds);
  }

  async send() {
    // The page may have exchanged it for another.
    if (!this.element.isConnected) return this.leave("q");
    // Streams change their size without a halt.
    this.origin = this.currentOrigin();
    this.known = true;
    try {
      const answer = await fetch(this.element.dataset.playback, {
        method: "POST",
        body: JSON.stringify(this.report(this.state())),
        credentials: "omit",
        keepalive: true,
        signal: AbortSignal.timeout?.(GIVE_UP_AFTER),
      });
      // A report that is refused would be refused again.
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return;
      if (!answer.ok) throw new RetryLater(answer.headers.get("Retry-After"));
      const { next } = await answer.json();
      this.failures = 0;
      // A little sooner, and never in step with others.
      if (this.present) this.reportIn(1000 * next * (0.9 + 0.1 * Math.random()) || FALLBACK_INTERVAL);
    } catch (error) {
      const wait = error instanceof RetryLater ? error.milliseconds : TRY_AGAIN_AFTER;
      const patience = wait * 2 ** this.failures * (0.5 + Math.random());
      this.failures += 1;
      if (this.present) this.reportIn(Math.min(patience, LONGEST_WAIT));
    }
  }

  state() {
    if (this.element.paused) return "a";
    return this.stoodSince === null ? "p" : "r";
  }

  report(state) {
    const now = performance.now();
    const sum = (total, since) => Math.round(total + (since === null ? 0 : now - since));
    const standing = this.stands(now);
    return {
      v: CMCD_VERSION,
      sid: this.sid,
      ...this.origin,
      msd: this.startup === null ? null : Math.min(Math.round(this.startup), 600000),
      played: sum(this.played, this.playedSince),
      bsa: this.stalls + (standing ? 1 : 0),
      bsda: sum(this.stood, standing ? this.stoodSince : null),
      dfa: this.droppedFrames(),
      errors: this.errors,
      sta: state,
      bg: document.hidden,
    };
  }

  /** Browsers count anew with each stream; we go on. */
  droppedFrames() {
    const dropped = this.element.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0;
    if (dropped < this.droppedBefore) this.dropped += this.droppedBefore;
    this.droppedBefore = dropped;
    return this.dropped + dropped;
  }

  /** Where the stream comes from: what the page says of the source that the browser has chosen. */
  currentOrigin() {
    const { element } = this;
    const source = [...element.querySelectorAll("source")].find(({ src }) => src === element.currentSrc);
    const told = { ...element.dataset, ...source?.dataset };
    return { cdn: told.endpoint ?? "", format: told.format || null, quality: told.quality ?? "" };
  }
}

class RetryLater extends Error {
  constructor(seconds) {
    super();
    this.milliseconds = 1000 * (Number(seconds) || 5);
  }
}

/** A random UUID; crypto.randomUUID is only there on https. */
function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Call a method of the player that an event is about. */
function on(event, method) {
  // Events of media do not bubble, but whoever listens on the way down hears them of all players,
  // also of those that the page exchanges later.
  document.addEventListener(event, ({ target }) => {
    const element = target.closest?.("[data-playback]");
    if (!element || (target !== element && event !== "error")) return;
    if (!players.has(element)) players.set(element, new Player(element));
    method(players.get(element), target);
  }, true);
}

on("play", (player) => { player.wantedAt ??= performance.now(); });
on("playing", (player) => player.begins());
on("framed", (player) => {
  replaced();
  player.plays();
});
on("waiting", (player) => player.waits());
on("pause", (player) => player.pauses());
on("emptied", (player) => player.rests());
on("ended", (player) => player.leave("e"));
on("error", (player, target) => {
  // Of several sources, only the failure of the last one ends it.
  const { element } = player;
  if (target === element || target === element.querySelector("source:last-of-type")) player.fails();
});

/** Who has been exchanged for another player is no second viewer. */
function replaced() {
  for (const player of [...open]) if (!player.element.isConnected) player.leave("q");
}

document.addEventListener("exchanged", replaced);
addEventListener("pagehide", () => { for (const player of [...open]) player.leave("q"); });
// A page that is kept and shown again goes on by itself where it stopped.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const element of document.querySelectorAll("[data-playback]")) {
    if (!element.paused && !element.ended) players.get(element)?.plays();
  }
});
// Nobody sees it now, or somebody does again: the tracker chooses how often it wants to hear of it.
document.addEventListener("visibilitychange", () => {
  for (const player of open) player.reportIn(0);
  for (const frame of document.querySelectorAll("iframe[data-playback]")) {
    if (document.hidden) players.get(frame)?.pauses();
    else players.get(frame)?.plays();
  }
});
