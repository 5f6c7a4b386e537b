// Captions that do not come with the stream, in a text track of the video: the browser draws them, also in full screen.

import { addOwnTrack, findTrack, languageName } from "./tracks.js";

// The menus' ids of these captions, before the language.
const PREFIX = "live:";
// The row at which a line begins, from the bottom: above the controls, which cover the picture in full screen.
const ROW = -3;
// A line that arrives later than its picture is shown at once, unless it is older than this.
const MAX_LATE_SECONDS = 20;

/** Return the menu of subtitles with the captions in some languages; label returns their names. */
export function addCaptions({ options, chosen }, languages, language, label) {
  const own = languages.map((tag) => ({ id: PREFIX + tag, label: label(languageName(tag)) }));
  return { options: [...options, ...own], chosen: language ? PREFIX + language : chosen };
}

/** Return the language that a preference selects; "" if the stream's own subtitles match it, or none does. */
export function chooseLanguage(preference, languages, chosenOfStream) {
  if (!preference || (!preference.startsWith(PREFIX) && chosenOfStream)) return "";
  return languages[findTrack(languages.map((lang) => ({ lang })), preference.replace(PREFIX, ""))] ?? "";
}

/** A cue's text is markup: a captioner's text is not. */
function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export class CaptionCues {
  constructor(video) {
    this.video = video;
    // Tracks cannot be removed from a video.
    this.tracks = new Map();
    this.track = null;
    this.cues = new Map();
  }

  /** Show the captions in a language; "" for none. */
  show(language) {
    const track = language ? this.trackOf(language) : null;
    if (track !== this.track) {
      this.clear();
      if (this.track) this.track.mode = "disabled";
      this.track = track;
    }
    if (track && track.mode !== "showing") track.mode = "showing";
  }

  trackOf(language) {
    if (!this.tracks.has(language)) this.tracks.set(language, addOwnTrack(this.video, language));
    return this.tracks.get(language);
  }

  /**
   * Add lines, or correct those that are known. offset is the time since 1970 at position 0, in seconds; isNew is whether the
   * lines have just been spoken.
   */
  add(lines, offset, isNew) {
    if (!this.track) return;
    for (const line of lines) {
      const known = this.cues.get(line.id);
      if (known && ["start", "end", "text"].every((name) => known.line[name] === line[name])) continue;
      const begin = Date.parse(line.start) / 1000 - offset;
      const late = this.video.currentTime - begin;
      const shift = known?.shift ?? (isNew && late > 0 && late < MAX_LATE_SECONDS ? late : 0);
      const length = (Date.parse(line.end) - Date.parse(line.start)) / 1000;
      const cue = new VTTCue(begin + shift, begin + shift + length, escape(line.text));
      cue.line = ROW;
      if (known) this.track.removeCue(known.cue);
      this.track.addCue(cue);
      this.cues.set(line.id, { cue, line, shift });
    }
  }

  /** Remove the lines that begin at a time or later and have been deleted. */
  removeExcept(ids, since) {
    for (const [id, { cue, line }] of this.cues) {
      if (ids.has(id) || Date.parse(line.start) < since) continue;
      this.track.removeCue(cue);
      this.cues.delete(id);
    }
  }

  clear() {
    for (const { cue } of this.cues.values()) this.track?.removeCue(cue);
    this.cues.clear();
  }
}
