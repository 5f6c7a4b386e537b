// A part of another page of this site, shown here and fetched again while somebody sees it. The element's data say which:
// data-from is the page, data-part selects the part, data-again is how often in seconds.

const TRY_AGAIN = 60;

export class Fetched {
  constructor(place) {
    this.place = place;
    this.fails = place.parentElement.querySelector("[data-fails]");
  }

  start() {
    if (this.stopping) return;
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    document.addEventListener("visibilitychange", () => this.load(), { signal });
    if (this.place.dataset.style) addStyle(this.place.dataset.style);
    this.load();
  }

  stop() {
    clearTimeout(this.timer);
    this.stopping?.abort();
    this.stopping = null;
  }

  async load() {
    clearTimeout(this.timer);
    // Nobody sees it: it is fetched when somebody does.
    if (document.hidden || !this.stopping) return;
    const { signal } = this.stopping;
    const { from, part, again } = this.place.dataset;
    let next = again;
    try {
      const answer = await fetch(at(from), { signal });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector(part);
      if (!fresh) throw new Error(part);
      this.show(fresh);
      this.says(true);
    } catch {
      if (!signal.aborted) this.says(false);
      next = Math.min(again, TRY_AGAIN);
    }
    if (signal.aborted) return;
    this.place.ariaBusy = "false";
    // A little longer or shorter each time, so that viewers do not all ask at once.
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), 1000 * next * (0.9 + 0.2 * Math.random()));
  }

  says(works) {
    if (!this.fails) return;
    this.fails.hidden = works;
    if (!works && this.place.ariaBusy === "true") this.place.hidden = true;
    if (works) this.place.hidden = false;
  }

  show(fresh) {
    const { place } = this;
    const now = place.firstElementChild;
    const reads = place.contains(document.activeElement) && document.activeElement !== place;
    // Whoever is at a link in it keeps it until the next time.
    if (now?.isEqualNode(fresh) || (reads && place.children.length)) return;
    const open = new Set([...place.querySelectorAll("details[open]")].map(linkBeside));
    for (const details of fresh.querySelectorAll("details")) details.open = open.has(linkBeside(details));
    place.replaceChildren(fresh);
  }
}

function linkBeside(details) {
  return details.parentElement.querySelector(".post-foot a")?.href;
}

/** With ?delta= the page is about another moment; what it shows of others is, too. */
function at(address) {
  const url = new URL(address, location.href);
  const delta = new URLSearchParams(location.search).get("delta");
  if (delta) url.searchParams.set("delta", delta);
  return url;
}

function addStyle(href) {
  if (document.querySelector(`link[href="${CSS.escape(href)}"]`)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.append(link);
}
