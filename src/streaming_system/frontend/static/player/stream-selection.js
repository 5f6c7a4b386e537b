// The available streams: from the tracker's list, or from the page while the tracker does not respond.

import { prefersMainStream } from "./early-stream.js";
import { fetchEndpoints, nextSource, soundsOf, sourcesOf } from "./endpoints.js";
import { canPlay } from "./engines.js";
import { PlaylistProgress } from "./playlist-progress.js";

export class StreamSelection {
  /** initial: the streams that the page contained. */
  constructor(video, { list, formats, initial }) {
    Object.assign(this, { video, list, formats, initial });
    this.progress = new PlaylistProgress();
    this.known = { servers: [], youtube: "" };
  }

  async update(milliseconds) {
    this.known = (await fetchEndpoints(this.list, milliseconds)) ?? this.known;
  }

  /** Whether playback can start before the list arrives: the page has a stream, and no preference needs another one. */
  canStartFromPage(preferences) {
    return prefersMainStream(preferences) && this.initial.some(({ type, audio }) => !audio && canPlay(this.video, type));
  }

  /** Return the endpoints with a playable stream: the tracker's, or that of the page. */
  all() {
    const can = (type) => canPlay(this.video, type);
    const listed = this.known.servers.map((server) => ({ server, sources: sourcesOf(server, this.formats, can) }));
    const available = listed.filter(({ sources }) => sources.length > 0);
    const ofPage = this.initial.filter(({ type }) => can(type));
    if (available.length > 0 || ofPage.length === 0) return available;
    return [{ server: { name: ofPage[0].server, weight: 1 }, sources: ofPage }];
  }

  /** Return the optional stream that the viewer's preferences select; "" if no endpoint has it. */
  optional({ quality, delay }) {
    const available = this.all();
    const sources = available.flatMap((endpoint) => endpoint.sources);
    const isSound = soundsOf(available).some(({ stream }) => stream === quality);
    const preferred = quality === "slides" || isSound ? quality : delay === "lowest" ? "whep" : "";
    return sources.some(({ stream }) => stream === preferred) ? preferred : "";
  }

  /** Return the source to try next; null if all have failed. Stopped streams are added to those that failed. */
  async next(preferences, failed, isCurrent) {
    const preferred = { quality: preferences.quality, extra: this.optional(preferences) };
    let source;
    while ((source = nextSource(this.all(), failed, preferred)) !== null && (await this.progress.isUnchanged(source))) {
      if (!isCurrent()) break;
      failed.add(source.url);
    }
    return source;
  }
}
