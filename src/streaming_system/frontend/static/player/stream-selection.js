// What there is to play: by the tracker's list, or by the page where the tracker does not say.

import { ask, soundsOf, sourcesOf } from "./endpoints.js";
import { canPlay } from "./engines.js";

export class Offers {
  /** first: the streams that the page came with. */
  constructor(video, { list, kinds, first }) {
    Object.assign(this, { video, list, kinds, first });
    this.known = { servers: [], youtube: "" };
  }

  async asks(milliseconds) {
    this.known = (await ask(this.list, milliseconds)) ?? this.known;
  }

  /** The servers that have something for us: the tracker's, or that of the page. */
  all() {
    const can = (type) => canPlay(this.video, type);
    const told = this.known.servers.map((server) => ({ server, sources: sourcesOf(server, this.kinds, can) }));
    const offers = told.filter(({ sources }) => sources.length > 0);
    const ofPage = this.first.filter(({ type }) => can(type));
    if (offers.length > 0 || ofPage.length === 0) return offers;
    return [{ server: { name: ofPage[0].server, weight: 1 }, sources: ofPage }];
  }

  /** The stream that a viewer's choices ask for beside those that everybody gets, if any server has it. */
  extra({ quality, delay }) {
    const offers = this.all();
    const sources = offers.flatMap((offer) => offer.sources);
    const isSound = soundsOf(offers).some(({ stream }) => stream === quality);
    const wished = quality === "slides" || isSound ? quality : delay === "lowest" ? "whep" : "";
    return sources.some(({ stream }) => stream === wished) ? wished : "";
  }
}
