// The last playlists of stopped streams. Servers continue to serve such a playlist, but playing it would repeat the same
// seconds.

const REQUEST_TIMEOUT = 3000;
const POLL_INTERVAL = 1000;

export class PlaylistProgress {
  constructor() {
    this.playlists = new Map();
  }

  store(source, playlist) {
    if (source && playlist) this.playlists.set(source.url, playlist);
  }

  /** Whether the playlist of a stopped stream is unchanged or unavailable: the stream is not playable then. */
  async isUnchanged({ url }) {
    const playlist = this.playlists.get(url);
    if (!playlist) return false;
    try {
      const response = await fetch(playlist.url, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
      return !response.ok || (await response.text()) === playlist.text;
    } catch {
      return true;
    }
  }

  /** Poll the playlist of a stopped stream; return true when it continues, and false when the attempt is over. */
  async hasContinued(source, isCurrent) {
    while (isCurrent()) {
      await new Promise((resolve) => { setTimeout(resolve, POLL_INTERVAL); });
      if (isCurrent() && !(await this.isUnchanged(source))) return isCurrent();
    }
    return false;
  }
}
