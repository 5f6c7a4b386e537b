// Hears from the server when there is something new, by one connection for the page. What is new has to be asked for.

const AGAIN_AFTER = 4000;
const AGAIN_AT_LEAST_EVERY = 60000;
// Those who have lost their connection come back at different times, and so they ask.
const WITHIN = 5;

export class Push {
  constructor(address, { told, lost }) {
    Object.assign(this, { address, told, lost });
    this.failures = 0;
    this.source = null;
    // Whether something may have been said that nobody heard: a new connection brings nothing of before.
    this.missed = document.hidden;
    document.addEventListener("visibilitychange", () => (document.hidden ? this.closes() : this.opens()));
    // A page that is kept for the way back must not hold a connection.
    addEventListener("pagehide", () => this.closes());
    addEventListener("pageshow", () => this.opens());
    this.opens();
  }

  get isOpen() {
    return this.source?.readyState === EventSource.OPEN;
  }

  opens() {
    clearTimeout(this.timer);
    if (document.hidden || this.source) return;
    const source = (this.source = new EventSource(this.address));
    source.addEventListener("open", () => {
      if (this.missed) for (const what of ["streams", "schedule"]) this.plans(what, this.failures ? WITHIN : 0, thisSecond());
      this.missed = false;
      this.failures = 0;
    });
    source.addEventListener("message", ({ data, lastEventId }) => {
      try {
        const { what, within } = JSON.parse(data);
        this.plans(what, within, lastEventId);
      } catch {
        // It is of another version.
      }
    });
    source.addEventListener("error", () => this.fails());
  }

  plans(what, within, id) {
    setTimeout(() => this.told(what, id), 1000 * within * Math.random());
  }

  /** The browser would come back at once, and so would everybody's. */
  fails() {
    const wasOpen = this.failures === 0;
    this.closes();
    this.failures += 1;
    const pause = Math.min(AGAIN_AFTER * 2 ** (this.failures - 1), AGAIN_AT_LEAST_EVERY);
    this.timer = setTimeout(() => this.opens(), pause * (0.5 + Math.random()));
    if (wasOpen) this.lost();
  }

  closes() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.missed = true;
  }
}

/** What was missed may be younger than what a cache has kept: those who come back in the same second ask beyond it, together. */
function thisSecond() {
  return `back-${Math.floor(Date.now() / 1000)}`;
}
