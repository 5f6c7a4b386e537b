// Navigates between rooms without a page load: it replaces the content, while scripts and styles stay. Without this script
// the links load pages.
//
// Other modules receive the event `content-replaced` with the new content of <main> as `detail`; code of removed elements
// has to stop then. The event `room-changed` follows when the page's address and title are those of the new room, too.

const HEAD = "title, link[rel=alternate], link[rel=canonical], link[rel$=modulepreload], meta[property], meta[name=description]";

// Then the browser loads the page, and shows itself what is wrong.
const REQUEST_TIMEOUT = 8000;

// The content security policy of the first page applies until a page load. It is fetched when it is needed.
const firstPage = location.href;
let currentPolicy = null;
let navigation = null;
let shownPath = pathOf(location);
// The scroll position of the list of rooms, which is replaced, too.
let listScroll = { scrollLeft: 0, scrollTop: 0 };

const announcement = document.createElement("p");
announcement.className = "visually-hidden";
announcement.setAttribute("role", "status");
document.body.append(announcement);

function pathOf(address) {
  return address.pathname + address.search;
}

function parsePolicy(response) {
  const directives = (response.headers.get("Content-Security-Policy") ?? "").split(";").map((text) => text.trim().split(/\s+/));
  return new Map(directives.filter(([name]) => name).map(([name, ...sources]) => [name, new Set(sources)]));
}

/** Whether the policy in force allows everything that another page's policy allows. */
function includesPolicy(policy, other) {
  return [...other].every(([name, sources]) =>
    [...sources].every((source) => source === "'none'" || (policy.get(name) ?? policy.get("default-src"))?.has(source)));
}

/** Whether a page needs only the scripts and styles that this document has. */
function usesLoadedFiles(page) {
  const files = (root) => [...root.querySelectorAll("script[src], link[rel=stylesheet]")].map((element) => element.getAttribute("src") ?? element.getAttribute("href"));
  const loaded = new Set(files(document));
  return files(page).every((file) => loaded.has(file));
}

async function fetchPage(address, signal) {
  currentPolicy ??= fetch(firstPage, { method: "HEAD" }).then(parsePolicy);
  const [policy, response] = await Promise.all([currentPolicy, fetch(address, { signal })]);
  if (!response.ok || response.redirected) throw new Error(response.status);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!page.querySelector("main h1") || !usesLoadedFiles(page) || !includesPolicy(policy, parsePolicy(response))) throw new Error("The page needs a page load.");
  return page;
}

/** Fetch a room's page and show it; if that fails, load the page instead. */
async function navigate(address, show) {
  navigation?.abort();
  const { signal } = (navigation = new AbortController());
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  try {
    const page = await fetchPage(address, AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT)]));
    if (!signal.aborted) show(page);
  } catch {
    if (!signal.aborted) location.assign(address);
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

function replaceContent(page) {
  for (const old of document.head.querySelectorAll(HEAD)) old.remove();
  for (const link of page.head.querySelectorAll("link[rel=deferred-modulepreload]")) link.rel = "modulepreload";
  document.head.append(...page.head.querySelectorAll(HEAD));
  document.body.className = page.body.className;
  Object.assign(document.body.dataset, page.body.dataset);
  const main = document.querySelector("main");
  main.replaceChildren(...page.querySelector("main").childNodes);
  shownPath = pathOf(location);
  document.dispatchEvent(new CustomEvent("content-replaced", { detail: main }));
  document.dispatchEvent(new CustomEvent("room-changed", { detail: main }));
  scrollToCurrentRoom();
  announcement.textContent = document.title;
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Restore the scroll position of the list of rooms; scroll further if the current room is not visible. */
function scrollToCurrentRoom() {
  const list = document.querySelector(".switcher ul");
  const item = list?.querySelector("[aria-current]")?.parentElement;
  if (!item) return;
  Object.assign(list, listScroll);
  const [outer, inner] = [list.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right) {
    list.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  }
}

function storeScrollPosition() {
  history.replaceState({ ...history.state, top: scrollY }, "");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-switch]");
  // With a modifier key the browser opens another tab or window.
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (pathOf(link) === shownPath) return;
  navigate(link.href, (page) => {
    history.scrollRestoration = "manual";
    storeScrollPosition();
    history.pushState({}, "", link.href);
    replaceContent(page);
    scrollTo({ top: 0, behavior: "instant" });
  });
});

addEventListener("popstate", ({ state }) => {
  // Only the fragment has changed.
  if (pathOf(location) === shownPath) return;
  navigate(location.href, (page) => {
    replaceContent(page);
    scrollTo({ top: state?.top ?? 0, behavior: "instant" });
  });
});
// Store the position when scrolling ends: at popstate it would be too late.
addEventListener("scrollend", () => { if (history.scrollRestoration === "manual" && pathOf(location) === shownPath) storeScrollPosition(); });
document.addEventListener("scroll", ({ target }) => {
  if (target.matches?.(".switcher ul")) listScroll = { scrollLeft: target.scrollLeft, scrollTop: target.scrollTop };
}, { capture: true, passive: true });
document.addEventListener("content-replaced", ({ detail }) => { if (detail.matches(".switcher")) scrollToCurrentRoom(); });
scrollToCurrentRoom();
