// The seek bar: clock times, and the beginnings of talks. Streams with a short seekable range have none.

import { n, t } from "../i18n.js";
import { now } from "../server-clock.js";
import { make } from "./dom.js";

const MIN_SEEKABLE_SECONDS = 30;
// A talk that has just begun needs no button back to its beginning.
const MIN_ELAPSED_SECONDS = 20;

export class SeekBar {
  constructor(stage, player) {
    Object.assign(this, { stage, player, video: player.video });
    this.time = make("span", { className: "player-clock" });
    this.edge = make("span", { className: "player-clock" });
    this.input = make("input", { type: "range", className: "player-time", step: 1 });
    this.input.setAttribute("aria-label", t("Position"));
    this.input.oninput = () => player.seek(Number(this.input.value));
    this.marks = make("span", { className: "player-marks" });
    this.marks.setAttribute("aria-hidden", "true");
    this.hint = make("output", { className: "player-hint", hidden: true });
    this.hint.setAttribute("aria-hidden", "true");
    this.track = make("span", { className: "player-track" }, this.marks, this.input, this.hint);
    this.track.addEventListener("pointermove", (event) => this.showHint(event));
    this.track.addEventListener("pointerleave", () => { this.hint.hidden = true; });
    this.element = make("div", { className: "player-seek", hidden: true }, this.time, this.track, this.edge);
    this.startButton = make("button", { type: "button", className: "player-live", textContent: t("From the beginning"), hidden: true });
    this.startButton.onclick = () => { player.seek(this.talkStart()); player.controls.playButton.focus(); };
    this.clock = this.makeFormat({ hour: "2-digit", minute: "2-digit" });
    this.exactClock = this.makeFormat({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }

  /** Times are those of the event, like all times of the page. */
  makeFormat(fields) {
    return new Intl.DateTimeFormat(document.documentElement.lang, { ...fields, hourCycle: "h23", timeZone: this.stage.dataset.zone || undefined });
  }

  get talks() {
    return JSON.parse(this.stage.dataset.talks || "[]").map(([start, title]) => ({ start: Date.parse(start), title }));
  }

  update({ engine }) {
    const { seekable, currentTime } = this.video;
    this.start = seekable.length ? seekable.start(0) : 0;
    this.end = seekable.length ? seekable.end(seekable.length - 1) : 0;
    this.isSeekable = Boolean(engine) && Number.isFinite(this.end) && this.end - this.start > MIN_SEEKABLE_SECONDS;
    this.element.hidden = !this.isSeekable;
    this.startButton.hidden = true;
    if (!this.isSeekable) return;
    this.offset = engine.clockOffset() ?? now() / 1000 - this.end;
    Object.assign(this.input, { min: Math.floor(this.start), max: Math.ceil(this.end), value: currentTime });
    this.time.textContent = this.exactClock.format(this.dateOf(currentTime));
    this.edge.textContent = this.clock.format(this.dateOf(this.end));
    const talk = this.talkAt(currentTime);
    const behind = engine.isBehind() ? n("{count} second behind live", "{count} seconds behind live", Math.round(engine.secondsBehind())) : t("live");
    this.input.setAttribute("aria-valuetext", [this.time.textContent, talk?.title, behind].filter(Boolean).join(", "));
    this.startButton.hidden = !(this.talkStart() >= this.start && currentTime - this.talkStart() > MIN_ELAPSED_SECONDS);
    this.updateMarks();
  }

  dateOf(position) {
    return new Date(1000 * (position + this.offset));
  }

  positionOf(milliseconds) {
    return milliseconds / 1000 - this.offset;
  }

  /** Return the talk at a position. */
  talkAt(position) {
    return this.talks.findLast(({ start }) => this.positionOf(start) <= position);
  }

  /** Return the position at which the current talk begins; NaN without one. */
  talkStart() {
    const talk = this.talkAt(this.video.currentTime);
    return talk ? this.positionOf(talk.start) : NaN;
  }

  updateMarks() {
    const shares = this.talks.map(({ start }) => (this.positionOf(start) - this.start) / (this.end - this.start)).filter((share) => share > 0 && share < 1);
    while (this.marks.children.length > shares.length) this.marks.lastChild.remove();
    while (this.marks.children.length < shares.length) this.marks.append(make("i"));
    shares.forEach((share, number) => this.marks.children[number].style.setProperty("--at", share));
  }

  textOf(position) {
    return [this.exactClock.format(this.dateOf(position)), this.talkAt(position)?.title].filter(Boolean).join(" · ");
  }

  showHint({ clientX }) {
    const { left, width } = this.track.getBoundingClientRect();
    const visual = Math.min(1, Math.max(0, (clientX - left) / width));
    const share = getComputedStyle(this.track).direction === "rtl" ? 1 - visual : visual;
    const position = this.start + share * (this.end - this.start);
    this.hint.textContent = this.textOf(position);
    this.hint.style.setProperty("--at", share);
    this.hint.hidden = false;
  }
}
