// Playlists that have stopped, by what they said last. A server goes on handing them out, and nobody wants to see the
// same seconds again.

export class Marks {
  constructor() {
    this.last = new Map();
  }

  note(source, mark) {
    if (source && mark) this.last.set(source.url, mark);
  }

  /** Tell whether a playlist that had stopped is still the same, or gone: then there is nothing to play. */
  async isAsItWas({ url }) {
    const mark = this.last.get(url);
    if (!mark) return false;
    try {
      const answer = await fetch(mark.url, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(3000) });
      return !answer.ok || (await answer.text()) === mark.text;
    } catch {
      return true;
    }
  }
}
