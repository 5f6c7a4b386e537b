// Receives notifications of changes from the server: one EventSource for the page. A notification contains no data.

const MIN_BACKOFF = 4000;
const MAX_BACKOFF = 60000;
// Reconnected pages spread their requests over this many seconds.
const RECONNECT_SPREAD = 5;

export class Push {
  constructor(address, { onChange, onDisconnect }) {
    Object.assign(this, { address, onChange, onDisconnect });
    this.failures = 0;
    this.source = null;
    // Whether notifications may have been lost: the server does not repeat them on a new connection.
    this.missed = document.hidden;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    // A page in the back-forward cache must not hold a connection.
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", () => this.open());
    this.open();
  }

  get isOpen() {
    return this.source?.readyState === EventSource.OPEN;
  }

  open() {
    clearTimeout(this.timer);
    if (document.hidden || this.source) return;
    const source = (this.source = new EventSource(this.address));
    source.addEventListener("open", () => {
      if (this.missed) for (const what of ["streams", "schedule"]) this.notifyLater(what, this.failures ? RECONNECT_SPREAD : 0, reconnectId());
      this.missed = false;
      this.failures = 0;
    });
    source.addEventListener("message", ({ data, lastEventId }) => {
      try {
        const { what, within } = JSON.parse(data);
        this.notifyLater(what, within, lastEventId);
      } catch {
        // A message of another version.
      }
    });
    source.addEventListener("error", () => this.reconnectLater());
  }

  notifyLater(what, spread, id) {
    setTimeout(() => this.onChange(what, id), 1000 * spread * Math.random());
  }

  /** Reconnect with backoff and jitter; the browser itself would reconnect at once, for every viewer. */
  reconnectLater() {
    const wasOpen = this.failures === 0;
    this.close();
    this.failures += 1;
    const backoff = Math.min(MIN_BACKOFF * 2 ** (this.failures - 1), MAX_BACKOFF);
    this.timer = setTimeout(() => this.open(), backoff * (0.5 + Math.random()));
    if (wasOpen) this.onDisconnect();
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.missed = true;
  }
}

/** Return a cache key for pages that reconnect in the same second: a cached response may be older than the lost notification. */
function reconnectId() {
  return `back-${Math.floor(Date.now() / 1000)}`;
}
