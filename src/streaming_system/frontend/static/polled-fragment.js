// A fragment of another page of this site, fetched again while the viewer sees it. The element's data describe it:
// data-from is the page, data-part is a selector for the fragment, data-again is the interval in seconds.

const RETRY_INTERVAL_SECONDS = 60;
const REQUEST_TIMEOUT = 15000;

export class PolledFragment {
  constructor(container) {
    this.container = container;
    this.errorMessage = container.parentElement.querySelector("[data-fails]");
  }

  start() {
    if (this.controller) return;
    this.controller = new AbortController();
    const { signal } = this.controller;
    document.addEventListener("visibilitychange", () => this.load(), { signal });
    if (this.container.dataset.style) addStylesheet(this.container.dataset.style);
    this.load();
  }

  stop() {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.controller = null;
  }

  async load() {
    clearTimeout(this.timer);
    // A hidden page fetches the fragment when it becomes visible.
    if (document.hidden || !this.controller) return;
    const { signal } = this.controller;
    const { from, part, again } = this.container.dataset;
    let interval = again;
    try {
      const response = await fetch(withDelta(from), { signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT)]) });
      if (!response.ok) throw new Error(response.status);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      const fragment = page.querySelector(part);
      if (!fragment) throw new Error(part);
      this.update(fragment);
      this.showError(false);
    } catch {
      if (!signal.aborted) this.showError(true);
      interval = Math.min(again, RETRY_INTERVAL_SECONDS);
    }
    if (signal.aborted) return;
    this.container.ariaBusy = "false";
    // Jitter spreads the requests of all viewers.
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.load(), 1000 * interval * (0.9 + 0.2 * Math.random()));
  }

  showError(failed) {
    if (!this.errorMessage) return;
    this.errorMessage.hidden = !failed;
    if (failed && this.container.ariaBusy === "true") this.container.hidden = true;
    if (!failed) this.container.hidden = false;
  }

  update(fragment) {
    const { container } = this;
    const current = container.firstElementChild;
    const hasFocus = container.contains(document.activeElement) && document.activeElement !== container;
    // A focused link stays in place until the next update.
    if (current?.isEqualNode(fragment) || (hasFocus && container.children.length)) return;
    const open = new Set([...container.querySelectorAll("details[open]")].map(postLink));
    for (const details of fragment.querySelectorAll("details")) details.open = open.has(postLink(details));
    container.replaceChildren(fragment);
    container.dispatchEvent(new Event("fragment-updated", { bubbles: true }));
  }
}

function postLink(details) {
  return details.parentElement.querySelector(".post-foot a")?.href;
}

/** Pass on ?delta=, which shifts the time of a page. */
function withDelta(address) {
  const url = new URL(address, location.href);
  const delta = new URLSearchParams(location.search).get("delta");
  if (delta) url.searchParams.set("delta", delta);
  return url;
}

function addStylesheet(href) {
  if (document.querySelector(`link[href="${CSS.escape(href)}"]`)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  document.head.append(link);
}
