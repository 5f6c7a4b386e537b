// Where a recording starts: at the position of a link, else where the viewer has left it.

import { t } from "../i18n.js";
import { announcePosition, requestedSeconds } from "../start-time.js";
import { loadPositions, storePosition } from "../watch-positions.js";
import { showNote } from "./position-note.js";

const STORE_INTERVAL = 5000;
// A viewer who has only looked at the beginning has nothing to resume.
const MIN_SECONDS = 5;
// The last part of a talk is applause.
const MAX_REST_SECONDS = 60;
const MAX_REST_SHARE = 0.1;

/** Return a position as text, such as "12:34". */
export function formatPosition(position) {
  const seconds = Math.max(0, Math.floor(position));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

export class RecordedPosition {
  constructor(player, signal) {
    Object.assign(this, { stage: player.stage, video: player.video, playback: player.supervisor, storedAt: 0 });
    this.id = document.querySelector("article[data-talk]")?.dataset.talk;
    announcePosition(this.stage, () => this.describe());
    const on = (target, name, action) => target.addEventListener(name, action, { signal });
    on(this.video, "timeupdate", () => { if (performance.now() - this.storedAt > STORE_INTERVAL) this.store(); });
    on(this.video, "pause", () => this.store());
    on(this.playback, "finished", () => this.store(true));
    on(window, "pagehide", () => this.store());
    on(this.playback, "state", () => this.removeNote?.());
    on(this.playback, "too-late", () => this.showTooLate());
    on(document, "positions-cleared", () => { this.removeNote?.(); this.playback.startAt = null; });
    this.choose();
  }

  /** Select the start of the first playback. */
  choose() {
    const requested = requestedSeconds();
    const stored = loadPositions().get(this.id);
    if (requested && this.playback.canStartAt(requested)) this.playback.startAt = requested;
    else if (requested) this.showTooLate();
    else if (stored && stored.seconds >= MIN_SECONDS && this.playback.canStartAt(stored)) this.offer(stored);
  }

  offer(stored) {
    this.playback.startAt = stored;
    const part = stored.part ? `${stored.part + 1} · ` : "";
    this.removeNote = showNote(this.stage, "", {
      [t("Continue at {time}", { time: part + formatPosition(stored.seconds) })]: () => this.playback.toggle(),
      [t("From the beginning")]: () => { this.playback.startAt = null; this.playback.toggle(); },
    }, 0);
  }

  showTooLate() {
    showNote(this.stage, t("The start of this link is after the end of the recording. It starts at the beginning."));
  }

  describe() {
    const { part, engine } = this.playback;
    const seconds = Math.floor(this.seconds());
    if (!engine || !(seconds > 0)) return null;
    const number = part ? `${part + 1}:` : "";
    return { value: `${number}${seconds}`, label: formatPosition(seconds) };
  }

  /** Return the seconds since the beginning of the current part. */
  seconds() {
    return this.video.currentTime - this.playback.bounds()[0];
  }

  store(isFinished = false) {
    const { engine, part, parts, state } = this.playback;
    const seconds = this.seconds();
    if (!this.id || !engine || (!isFinished && (state !== "playing" || !(seconds >= MIN_SECONDS)))) return;
    this.storedAt = performance.now();
    const [start, end] = this.playback.bounds();
    const rest = Math.min(MAX_REST_SECONDS, MAX_REST_SHARE * (end - start));
    const isDone = isFinished || (part === parts.length - 1 && end - start - seconds <= rest);
    // The next time starts at the beginning.
    storePosition(this.id, isDone ? { part: 0, seconds: 0, isDone } : { part, seconds, isDone });
    document.dispatchEvent(new Event("position-stored"));
  }
}
