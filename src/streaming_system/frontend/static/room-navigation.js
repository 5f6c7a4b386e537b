// Goes to another room without loading the page anew: what is in it is exchanged, scripts and styles stay. Without it, links do.
//
// Other modules hear of it as of any exchange of parts: `exchanged`, with the new <main>. What belongs to parts that are gone
// has to leave then. `switched` comes after that, when the address is the new one, too.

const HEAD = "title, link[rel=alternate], link[rel=canonical], link[rel=modulepreload], meta[property], meta[name=description]";

// The policy came with the first page and holds for all that is put into it. It is asked for when it is needed.
const firstPage = location.href;
let allowed = null;
let going = null;
let shown = pathOf(location);
// How far the list of rooms has been moved; it is exchanged, too.
let scrolled = { scrollLeft: 0, scrollTop: 0 };

const spoken = document.createElement("p");
spoken.className = "visually-hidden";
spoken.setAttribute("role", "status");
document.body.append(spoken);

function pathOf(address) {
  return address.pathname + address.search;
}

function policyOf(answer) {
  const directives = (answer.headers.get("Content-Security-Policy") ?? "").split(";").map((text) => text.trim().split(/\s+/));
  return new Map(directives.filter(([name]) => name).map(([name, ...sources]) => [name, new Set(sources)]));
}

/** Tell whether a page needs nothing that the policy in force refuses. */
function allows(policy, needed) {
  return [...needed].every(([name, sources]) =>
    [...sources].every((source) => source === "'none'" || (policy.get(name) ?? policy.get("default-src"))?.has(source)));
}

/** Tell whether a page gets by with the scripts and styles that are here. */
function isOfOneKind(page) {
  const files = (of) => [...of.querySelectorAll("script[src], link[rel=stylesheet]")].map((one) => one.getAttribute("src") ?? one.getAttribute("href"));
  const here = new Set(files(document));
  return files(page).every((file) => here.has(file));
}

async function fetchPage(address, signal) {
  allowed ??= fetch(firstPage, { method: "HEAD" }).then(policyOf);
  const [policy, answer] = await Promise.all([allowed, fetch(address, { signal })]);
  if (!answer.ok || answer.redirected) throw new Error(answer.status);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.querySelector("main h1") || !isOfOneKind(page) || !allows(policy, policyOf(answer))) throw new Error("another kind of page");
  return page;
}

/** Show another room; where that cannot be, load its page. Returns whether it has been shown. */
async function go(address, show) {
  going?.abort();
  const { signal } = (going = new AbortController());
  const main = document.querySelector("main");
  main.setAttribute("aria-busy", "true");
  try {
    const page = await fetchPage(address, signal);
    if (!signal.aborted) show(page);
  } catch {
    if (!signal.aborted) location.assign(address);
  } finally {
    if (!signal.aborted) main.removeAttribute("aria-busy");
  }
}

function put(page) {
  for (const old of document.head.querySelectorAll(HEAD)) old.remove();
  document.head.append(...page.head.querySelectorAll(HEAD));
  document.body.className = page.body.className;
  Object.assign(document.body.dataset, page.body.dataset);
  const main = document.querySelector("main");
  main.replaceChildren(...page.querySelector("main").childNodes);
  shown = pathOf(location);
  document.dispatchEvent(new CustomEvent("exchanged", { detail: main }));
  document.dispatchEvent(new CustomEvent("switched", { detail: main }));
  showCurrent();
  spoken.textContent = document.title;
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Bring the room into sight in the strip, which stays where it was as far as that goes. */
function showCurrent() {
  const strip = document.querySelector(".switcher ul");
  const item = strip?.querySelector("[aria-current]")?.parentElement;
  if (!item) return;
  Object.assign(strip, scrolled);
  const [outer, inner] = [strip.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right) {
    strip.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
  }
}

function remember() {
  history.replaceState({ ...history.state, top: scrollY }, "");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-switch]");
  // Whoever wants it in another tab gets it there.
  if (!link || event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (pathOf(link) === shown) return;
  go(link.href, (page) => {
    history.scrollRestoration = "manual";
    remember();
    history.pushState({}, "", link.href);
    put(page);
    scrollTo({ top: 0, behavior: "instant" });
  });
});

addEventListener("popstate", ({ state }) => {
  // Only the part after the # is another one.
  if (pathOf(location) === shown) return;
  go(location.href, (page) => {
    put(page);
    scrollTo({ top: state?.top ?? 0, behavior: "instant" });
  });
});
// Where the viewer was is noted when they have stopped, so that it is known before they go back.
addEventListener("scrollend", () => { if (history.scrollRestoration === "manual" && pathOf(location) === shown) remember(); });
document.addEventListener("scroll", ({ target }) => {
  if (target.matches?.(".switcher ul")) scrolled = { scrollLeft: target.scrollLeft, scrollTop: target.scrollTop };
}, { capture: true, passive: true });
document.addEventListener("exchanged", ({ detail }) => { if (detail.matches(".switcher")) showCurrent(); });
showCurrent();
