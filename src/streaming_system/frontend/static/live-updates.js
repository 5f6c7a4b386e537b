// Keeps a page up to date. Without it the pages work all the same; they are only older.
//
// The tracker is asked every few seconds which rooms are live. When that changes, or when what is on
// comes to its end, the page is fetched again and its parts marked data-refresh are exchanged. Where the
// server tells of changes (push.js), the tracker is asked at once then, and seldom otherwise.

import { learn, now, setClock } from "./clock.js";
import { Push } from "./push.js";
import { t } from "./words.js";

const ASK_EVERY = 5000;
const ASK_AT_LEAST_EVERY = 60000;
const TICK_EVERY = 15000;
const RETRY_AFTER = 10000;
// When talks end, all viewers fetch their page: about so many of them do in a millisecond.
const FETCHES = 5;
const SHORTEST_SPREAD = 4000;
const LONGEST_SPREAD = 60000;
// The page's server learns what is new within a second or so of the one that told us.
const AGAIN_AFTER = 600;
const MOST_AT_ONCE = 5;
// The name of what we were told last, as long as the page does not show it.
let news = "";

const streams = document.body.dataset.streams;
let failures = 0;
// How often in a row the page has been fetched and still said something else than the tracker.
let disagreements = 0;
let knownLive = liveOnPage();
let clockIsSet = false;
// How many watch, in all rooms.
let crowd = 0;

function liveOnPage() {
  const rooms = document.querySelectorAll("[data-room][data-live='true']");
  // A room may stand there twice.
  return [...new Set([...rooms].map((room) => room.dataset.room))].sort().join(" ");
}

function roomsOnPage() {
  return new Set([...document.querySelectorAll("[data-room]")].map((room) => room.dataset.room));
}

/** Wait a little longer or shorter each time, so that viewers do not all ask at once. */
let waiting;
function askIn(milliseconds) {
  clearTimeout(waiting);
  waiting = setTimeout(ask, milliseconds * (0.8 + 0.4 * Math.random()));
}

// Whoever is told something while an answer is on its way asks once more: it may be from before.
let asking = false;
let askAgain = false;

async function ask() {
  clearTimeout(waiting);
  // Nobody sees it: it asks again when somebody does.
  if (document.hidden) return document.addEventListener("visibilitychange", ask, { once: true });
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  try {
    const asked = Date.now();
    const answer = await fetch(asNew(streams), { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const { rooms } = await answer.json();
    const shown = roomsOnPage();
    const live = Object.keys(rooms).filter((id) => shown.has(id) && rooms[id].live).sort().join(" ");
    crowd = Object.values(rooms).reduce((sum, { clients }) => sum + clients, 0);
    failures = 0;
    await tellTime(answer, asked);
    if (live !== knownLive) await refresh();
    disagreements = live === knownLive ? 0 : disagreements + 1;
    if (disagreements === 0) news = "";
  } catch {
    failures += 1;
  }
  // The page's server may be a few seconds behind, which is worth a second try soon; or it cannot
  // ask the tracker at all.
  const patience = Math.max(failures, disagreements - 1, 0);
  asking = false;
  if (askAgain) {
    askAgain = false;
    return askIn(0);
  }
  if (push?.isOpen && failures === 0) {
    const soon = disagreements > 0 && disagreements <= MOST_AT_ONCE;
    return askIn(soon ? AGAIN_AFTER : ASK_AT_LEAST_EVERY);
  }
  askIn(Math.min(ASK_EVERY * 2 ** patience, ASK_AT_LEAST_EVERY));
}

function told(what, id) {
  if (document.hidden) return;
  news = id;
  if (what === "streams") ask();
  if (what === "schedule") refresh();
}

/** A cache may keep the answer of before for a while. Whoever was told the same asks for the same one beyond that. */
function asNew(href) {
  const address = new URL(href, location.href);
  if (news) address.searchParams.set("told", disagreements ? `${news}-${disagreements}` : news);
  return address;
}

/** Set the clock once. A tracker of another site may not say what time it is. */
async function tellTime(answer, asked) {
  if (clockIsSet) return;
  clockIsSet = true;
  if (!learn(answer, asked)) await setClock();
  planChange();
  tick();
}

/** Fetch the page again and show what has changed; if that fails, try once more later. */
async function refresh() {
  const asked = location.href;
  try {
    const answer = await fetch(asNew(asked), { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    // Meanwhile the viewer may have gone to another room.
    if (asked === location.href) show(page);
  } catch {
    clearTimeout(planned);
    planned = setTimeout(refresh, RETRY_AFTER * (1 + Math.random()));
  }
}

function show(page) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
    if (!fresh || part.isEqualNode(fresh)) continue;
    if (!isInUse(part, fresh)) exchange(part, fresh);
    // A player that stays counts down to what comes next.
    else Object.assign(part.dataset, { starts: fresh.dataset.starts ?? "", next: fresh.dataset.next ?? "" });
  }
  isShown(page);
}

function isShown(page) {
  knownLive = liveOnPage();
  planChange();
}

/**
 * A stream that plays goes on, whatever the tracker has heard of its server; a player stays while there is a stream.
 * But the configuration may send everybody to another source at a moment.
 */
function isInUse(part, fresh) {
  if (part.dataset.source !== fresh.dataset.source) return false;
  if (part.querySelector("iframe")) return true;
  const video = part.querySelector("video");
  return video !== null && (video.matches("[data-wanted]") || fresh.querySelector("video") !== null);
}

function exchange(part, fresh) {
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.replaceWith(fresh);
  fresh.querySelectorAll("details").forEach((details, number) => { details.open = open[number] ?? details.open; });
  if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("exchanged", { detail: fresh }));
}

/** Fetch the page again when the schedule says that something ends. */
let planned;
function planChange() {
  clearTimeout(planned);
  const ends = [...document.querySelectorAll("progress[data-end]")].map((bar) => bar.dataset.end);
  const changes = [...document.querySelectorAll("[data-changes]")].map((part) => part.dataset.changes);
  const moments = [...ends, ...changes].filter(Boolean).map(Date.parse).filter((moment) => moment > now());
  if (moments.length === 0) return;
  const wait = Math.min(...moments) - now() + 1000;
  // Browsers cannot count further; by then the page has been fetched again anyway.
  if (wait < 2 ** 31) planned = setTimeout(takeTurn, wait);
}

/** Fetch the page at a moment of one's own: the more viewers there are, the longer they take together. */
function takeTurn() {
  const spread = Math.min(Math.max(crowd / FETCHES, SHORTEST_SPREAD), LONGEST_SPREAD);
  planned = setTimeout(refresh, spread * Math.random());
}

/** Move the bars and the minutes, which needs nobody's answer. */
function tick() {
  for (const bar of document.querySelectorAll("progress[data-end]")) {
    const start = Date.parse(bar.dataset.start);
    const end = Date.parse(bar.dataset.end);
    bar.value = Math.max(0, Math.min(100, (100 * (now() - start)) / (end - start)));
    const left = bar.parentElement.querySelector("[data-left]");
    if (left) left.textContent = t("{minutes} min left", { minutes: Math.max(0, Math.ceil((end - now()) / 60000)) });
  }
}

const every = document.querySelector("[data-every]")?.dataset.every;
if (every) setInterval(refresh, 1000 * every);
setInterval(tick, TICK_EVERY);
document.addEventListener("switched", () => isShown(document));
planChange();
// On the way back a browser may show the page as it was.
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") refresh();
const address = document.body.dataset.push;
// Without it the page asks as often as ever.
const push = address ? new Push(address, { told, lost: () => askIn(ASK_EVERY) }) : null;
// At once, since the answer also says what time it is.
ask();
