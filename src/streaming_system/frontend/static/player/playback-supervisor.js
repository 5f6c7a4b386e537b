// Keeps a stream playing: chooses a server, sees when nothing moves any more, and tries again until something does.

import { nextSource } from "./endpoints.js";
import { makeEngine } from "./engines.js";
import { Marks } from "./marks.js";
import { delays, qualities } from "./menus.js";
import { Offers } from "./offers.js";

const LOOK_EVERY = 500;
// The first picture is not worth more than that of waiting for a better server.
const FIRST_ANSWER_WITHIN = 700;
const ANSWER_WITHIN = 2000;
// Nothing moves and nothing comes; or nothing moves whatever comes; or it has never begun.
const SILENT_FOR = 4000;
const STUCK_FOR = 8000;
const STARTING_FOR = 20000;
const FIRST_BREAK = 1000;
const LONGEST_BREAK = 4000;
// A stream that has played for that long is well again.
const WELL_AFTER = 10000;
// After that long the page may say in its own words that the room is silent.
const HOPES_FOR = 120000;
const PAUSED_FOR = 60000;

export class Keeper extends EventTarget {
  constructor(video, { choices, ...where }) {
    super();
    Object.assign(this, { video, choices });
    this.offers = new Offers(video, where);
    this.failed = new Set();
    this.marks = new Marks();
    this.breaks = 0;
    this.turn = 0;
    this.engine = null;
    this.source = null;
    this.rate = 1;
    // What the stream had to choose before the slides, sound alone, or another way were chosen.
    this.levels = [];
    this.wanted = false;
    this.asleep = false;
    this.events = new AbortController();
    const on = (target, name, action) => target.addEventListener(name, action, { signal: this.events.signal });
    on(video, "timeupdate", () => this.moves());
    on(video, "play", () => this.wantsTo(true));
    on(video, "pause", () => {
      // A stream that ends or is exchanged pauses, too, and nobody has asked for that.
      if (this.engine && video.paused && !video.ended && !this.isOver()) this.wantsTo(false);
    });
    on(document, "visibilitychange", () => (document.hidden ? this.sleeps() : this.wakes()));
    on(video, "leavepictureinpicture", () => this.sleeps());
    on(window, "online", () => { if (this.isWaiting()) this.next(); });
    this.looking = setInterval(() => this.looks(), LOOK_EVERY);
  }

  /** Play from whichever server comes first. */
  start() {
    this.wantsTo(true);
    this.since = performance.now();
    this.says("loads");
    if (document.hidden) this.asleep = true;
    else this.next();
  }

  wantsTo(play) {
    this.wanted = play;
    this.movedAt = performance.now();
    clearTimeout(this.resting);
    if (play) {
      if (this.rested) this.engine?.goesOn();
      this.rested = false;
    } else {
      this.resting = setTimeout(() => this.rests(), PAUSED_FOR);
    }
    this.video.toggleAttribute("data-wanted", play);
  }

  rests() {
    this.rested = true;
    this.engine?.rests();
  }

  toggle() {
    if (this.engine && !this.video.paused) this.video.pause();
    else if (this.engine) this.play();
    else if (this.wanted) this.gives();
    else this.start();
  }

  /** The viewer does not want to wait any longer. */
  gives() {
    this.turn += 1;
    clearTimeout(this.timer);
    this.wantsTo(false);
    this.says("stopped");
  }

  isWaiting() {
    return this.wanted && this.engine === null && !this.asleep;
  }

  /** Nobody sees or hears it. A picture in picture is seen wherever the viewer is. */
  isUnnoticed() {
    const { paused, muted, volume } = this.video;
    return document.hidden && document.pictureInPictureElement !== this.video && (paused || muted || volume === 0);
  }

  async next(first = this.since !== undefined && this.source === null) {
    clearTimeout(this.timer);
    const turn = (this.turn += 1);
    this.drops();
    await this.offers.asks(first ? FIRST_ANSWER_WITHIN : ANSWER_WITHIN);
    if (turn !== this.turn) return;
    let source;
    const wishes = { quality: this.choices.quality, extra: this.offers.extra(this.choices) };
    while ((source = nextSource(this.offers.all(), this.failed, wishes)) !== null) {
      if (!(await this.marks.isAsItWas(source))) break;
      if (turn !== this.turn) return;
      this.failed.add(source.url);
    }
    if (turn !== this.turn) return;
    if (source === null) return this.waits();
    const begin = await makeEngine(this.video, source, this.choices, {
      fails: () => this.fails(turn),
      jumps: () => { if (turn === this.turn) this.again(); },
      ends: () => this.looksOut(turn, source),
      exchanges: () => { if (turn === this.turn && this.wanted) this.play(); },
      changes: () => this.tell("changes"),
    });
    if (turn !== this.turn) return;
    this.source = source;
    Object.assign(this.video.dataset, { endpoint: source.server, format: source.format, quality: source.quality });
    this.begunAt = this.movedAt = performance.now();
    this.playedFrom = null;
    this.position = 0;
    this.over = false;
    this.engine = begin();
    this.tell("changes");
    this.play();
  }

  /** A stream that says it is over may begin again; we see it while the last seconds play. */
  async looksOut(turn, source) {
    if (turn !== this.turn || this.over) return;
    this.over = true;
    this.marks.note(source, this.engine.mark);
    while (turn === this.turn) {
      await new Promise((resolve) => { this.timer = setTimeout(resolve, FIRST_BREAK); });
      if (turn === this.turn && !(await this.marks.isAsItWas(source)) && turn === this.turn) return this.next();
    }
  }

  isOver() {
    const { buffered, currentTime } = this.video;
    return this.over && (buffered.length === 0 || buffered.end(buffered.length - 1) - currentTime < 0.5);
  }

  async play() {
    try {
      await this.video.play();
    } catch (error) {
      if (error.name !== "NotAllowedError") return;
      // Browsers let no page make a noise by itself.
      if (this.video.muted) {
        this.wantsTo(false);
        this.says("blocked");
      } else {
        this.silenced = true;
        this.video.muted = true;
        await this.play();
      }
    }
  }

  /** The picture may have moved. */
  moves() {
    const { currentTime } = this.video;
    if (!this.engine || currentTime === this.position) return;
    // Nobody is faster than live.
    if (this.rate > 1 && this.engine.behind() < 0.5) this.runs(1);
    this.position = currentTime;
    const now = (this.movedAt = this.since = performance.now());
    if (this.playedFrom === null && !this.video.seeking && this.video.readyState > 1) {
      this.playedFrom = now;
      this.video.toggleAttribute("data-wanted", this.wanted);
      this.says("plays");
    }
    else if (this.state === "loads") this.says("plays");
    if (this.playedFrom !== null && now - this.playedFrom > WELL_AFTER) this.isWell();
  }

  isWell() {
    this.failed.clear();
    this.breaks = 0;
  }

  looks() {
    const now = performance.now();
    if (!this.wanted || this.asleep) return;
    if (now - this.since > HOPES_FOR) this.video.removeAttribute("data-wanted");
    if (!this.engine || this.video.paused && !this.video.ended) return;
    const stood = now - this.movedAt;
    const patience = this.playedFrom === null ? STARTING_FOR : STUCK_FOR;
    if (this.isOver() && stood > LOOK_EVERY) this.fails(this.turn);
    else if (stood > patience || ((this.engine.clockRuns || stood > SILENT_FOR) && now - this.engine.dataAt > SILENT_FOR)) this.fails(this.turn);
    else if (stood > 2 * LOOK_EVERY && this.state === "plays") this.says("loads");
  }

  fails(turn) {
    if (turn !== this.turn) return;
    this.marks.note(this.source, this.engine?.mark);
    if (this.source) this.failed.add(this.source.url);
    this.again();
  }

  /** Try the next server, unless the viewer has stopped the picture: then that waits for them. */
  again() {
    if (this.wanted) return this.next();
    this.turn += 1;
    this.drops();
    this.says("stopped");
  }

  /** Nothing plays anywhere. Try all of it again, soon at first. */
  waits() {
    this.failed.clear();
    this.says(navigator.onLine ? "waits" : "offline");
    if (this.isUnnoticed()) return this.sleeps();
    const pause = Math.min(FIRST_BREAK * 2 ** this.breaks, LONGEST_BREAK);
    this.breaks += 1;
    this.timer = setTimeout(() => this.next(), pause * (0.75 + 0.25 * Math.random()));
  }

  sleeps() {
    if (!this.isUnnoticed()) return;
    if (!this.wanted) return this.rests();
    this.asleep = true;
    this.turn += 1;
    clearTimeout(this.timer);
    this.drops();
  }

  wakes() {
    this.movedAt = performance.now();
    if (!this.asleep) return;
    this.asleep = false;
    this.since = performance.now();
    this.breaks = 0;
    this.next();
  }

  /** Do what a viewer has chosen, with another stream where that is needed. */
  choose(name, value) {
    this.choices = { ...this.choices, [name]: value };
    const extra = this.offers.extra(this.choices);
    const stays = extra ? this.source?.stream === extra : !this.source?.extra;
    if (this.engine && (!stays || !this.engine.choose(name, value))) this.next();
    this.tell("changes");
  }

  /** Play slower or faster. */
  runs(rate) {
    this.rate = rate;
    this.engine?.runs(rate);
    this.tell("changes");
  }

  /** What there is to choose, by the names of choices. */
  menus() {
    const { engine, source } = this;
    const offers = this.offers.all();
    if (engine && source.format === "hls") this.levels = engine.qualities();
    const none = { options: [], chosen: "" };
    return {
      quality: qualities({ engine, source, offers, levels: this.levels }),
      delay: delays({ source, offers, wanted: this.choices.delay }),
      ...(engine?.tracks() ?? { language: none, subtitles: none }),
    };
  }

  /** How many seconds before its newest moment a stream can be played without a halt. */
  leastDelay() {
    return this.engine?.delay() ?? 0;
  }

  drops() {
    const { engine } = this;
    this.engine = null;
    this.rate = 1;
    engine?.leave();
  }

  says(state) {
    if (this.state === state) return;
    this.state = state;
    this.tell("state");
  }

  tell(what) {
    this.dispatchEvent(new Event(what));
  }

  leave() {
    this.turn += 1;
    clearTimeout(this.timer);
    clearTimeout(this.resting);
    clearInterval(this.looking);
    this.events.abort();
    this.drops();
  }
}
