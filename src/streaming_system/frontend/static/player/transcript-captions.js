// The transcript of a talk as captions of its recording.

import { now } from "../server-clock.js";
import { CaptionCues, addCaptions, chooseLanguage } from "./caption-cues.js";
import { fetchJson } from "./live-captions.js";

// How often the transcript of a talk that is still running is loaded.
const RELOAD_INTERVAL = 5000;
const MAX_CLOCK_CHANGE = 0.5;

export class TranscriptCaptions {
  constructor({ stage, video, supervisor }, signal) {
    Object.assign(this, { video, supervisor, address: stage.dataset.transcript });
    this.end = Date.parse(new URL(this.address, location.href).searchParams.get("end"));
    this.languages = [];
    this.lines = [];
    this.cues = new CaptionCues(video);
    this.shown = "";
    this.offset = null;
    supervisor.captions = this;
    supervisor.addEventListener("state", () => this.start(), { signal });
    supervisor.addEventListener("options", () => this.select(), { signal });
    for (const name of ["playing", "seeked"]) video.addEventListener(name, () => this.update(), { signal });
    this.timer = setInterval(() => { if (this.shown && !document.hidden && now() < this.end + RELOAD_INTERVAL) this.load(); }, RELOAD_INTERVAL);
    signal.addEventListener("abort", () => clearInterval(this.timer));
  }

  async start() {
    if (this.isStarted || this.supervisor.state !== "playing") return;
    this.isStarted = true;
    const transcript = await fetchJson(this.address);
    this.languages = transcript?.languages ?? [];
    this.supervisor.emit("options");
  }

  get language() {
    const { engine, preferences } = this.supervisor;
    return chooseLanguage(preferences.subtitles, this.languages, engine?.tracks().subtitles.chosen ?? "");
  }

  /** Return the menu of subtitles with the languages of the transcript. */
  addTo(menu) {
    return addCaptions(menu, this.languages, this.language, (language) => language);
  }

  select() {
    const { language } = this;
    if (language === this.shown) return;
    this.shown = language;
    this.lines = [];
    this.cues.show(language);
    if (language) this.load();
  }

  async load() {
    const { shown } = this;
    const transcript = await fetchJson(`${this.address}&lang=${encodeURIComponent(shown)}`);
    if (!transcript || shown !== this.shown) return;
    this.lines = transcript.lines;
    this.update();
  }

  /** Show the lines at their positions in the part that plays. */
  update() {
    const { engine, parts, part } = this.supervisor;
    const offset = engine?.clockOffset() ?? parts[part].clock;
    if (this.offset === null || Math.abs(offset - this.offset) > MAX_CLOCK_CHANGE) this.cues.clear();
    else if (this.lines.length === 0) return;
    this.offset = offset;
    this.cues.add(this.lines, offset, false);
  }
}
