// Live captions: lines that a captioner sends, shown when the picture reaches their time. The tracker has the lines of the
// last minute in one file, which all viewers share. It is only polled often while the captions are on.

import { t } from "../i18n.js";
import { now } from "../server-clock.js";
import { CaptionCues, addCaptions, chooseLanguage } from "./caption-cues.js";

const POLL_INTERVAL = 1000;
// How often a player without captions checks whether there are any.
const DISCOVERY_INTERVAL = 30_000;
const REQUEST_TIMEOUT = 5000;
// The tracker's file has the lines of a minute; older ones are requested by the minute after a seek.
const LIVE_WINDOW_MS = 55_000;
const MINUTE = 60_000;
// A clock that differs by more than this has changed: one that the playlist has, or one estimated from the delay.
const MAX_CLOCK_CHANGE = 0.5;
const MAX_ESTIMATE_CHANGE = 2;

/** Offer live captions in the player of a room. */
export function startLiveCaptions(player, signal) {
  if (player.stage.dataset.captions) new LiveCaptions(player, signal);
}

class LiveCaptions {
  constructor({ stage, video, supervisor }, signal) {
    Object.assign(this, { video, supervisor, signal, address: stage.dataset.captions });
    this.languages = [];
    this.cues = new CaptionCues(video);
    this.offset = null;
    this.minutes = new Set();
    // Whether the lines that arrive are new ones.
    this.isPrimed = false;
    supervisor.captions = this;
    supervisor.addEventListener("options", () => this.select(), { signal });
    supervisor.addEventListener("drop", () => this.reset(), { signal });
    video.addEventListener("seeked", () => this.loadMinute(), { signal });
    document.addEventListener("visibilitychange", () => this.poll(), { signal });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
    this.poll();
  }

  get language() {
    const { engine, preferences } = this.supervisor;
    return chooseLanguage(preferences.subtitles, this.languages, engine?.tracks().subtitles.chosen ?? "");
  }

  /** Return the menu of subtitles with the languages of the captions. */
  addTo(menu) {
    return addCaptions(menu, this.languages, this.language, (language) => t("{language} (live)", { language }));
  }

  /** Show the captions that the viewer has chosen. */
  select() {
    const { language } = this;
    if (language === this.shown) return;
    this.shown = language;
    this.reset();
    this.cues.show(language);
    if (language) this.poll();
  }

  reset() {
    this.cues.clear();
    this.minutes.clear();
    this.offset = null;
    this.isPrimed = false;
  }

  isVisible() {
    return !document.hidden || document.pictureInPictureElement === this.video;
  }

  async poll() {
    clearTimeout(this.timer);
    if (this.isVisible()) await this.load();
    clearTimeout(this.timer);
    if (!this.signal.aborted) this.timer = setTimeout(() => this.poll(), this.language ? POLL_INTERVAL : DISCOVERY_INTERVAL);
  }

  async load() {
    const captions = await fetchJson(`${this.address}/live.json`);
    if (!captions || this.signal.aborted) return;
    if (captions.languages.join() !== this.languages.join()) {
      this.languages = captions.languages;
      this.supervisor.emit("options");
    }
    if (!this.shown || !this.updateClock()) return;
    const lines = captions.lines.filter(({ language }) => language === this.shown);
    this.cues.add(lines, this.offset, this.isPrimed);
    this.cues.removeExcept(new Set(lines.map(({ id }) => id)), now() - LIVE_WINDOW_MS);
    this.isPrimed = true;
    await this.loadMinute();
  }

  /** Determine the time at position 0; return whether it is known. */
  updateClock() {
    const { engine } = this.supervisor;
    if (!engine) return false;
    const exact = engine.clockOffset();
    const offset = exact ?? now() / 1000 - (engine.latency() ?? 0) - this.video.currentTime;
    const tolerance = exact === null ? MAX_ESTIMATE_CHANGE : MAX_CLOCK_CHANGE;
    if (this.offset !== null && Math.abs(offset - this.offset) <= tolerance) return true;
    this.reset();
    this.offset = offset;
    return true;
  }

  /** Load the lines of the minute that the viewer sees, if it is not the latest one. */
  async loadMinute() {
    if (!this.shown || this.offset === null) return;
    const start = Math.floor((this.offset + this.video.currentTime) * 1000 / MINUTE) * MINUTE;
    if (start + MINUTE > now() || this.minutes.has(start)) return;
    const { minutes, shown } = this;
    minutes.add(start);
    const span = new URLSearchParams({ lang: shown, start: new Date(start).toISOString(), end: new Date(start + MINUTE).toISOString() });
    const transcript = await fetchJson(`${this.address}/transcript.json?${span}`);
    if (!transcript) minutes.delete(start);
    else if (shown === this.shown && minutes.has(start)) this.cues.add(transcript.lines, this.offset, false);
  }
}

/** Return the value of a response; null if there is none. */
export async function fetchJson(address) {
  try {
    const response = await fetch(address, { credentials: "omit", signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}
