// Keeps a page up to date. Without this script the page works, but does not update.
//
// The script polls the tracker for the live rooms. When they change, or when a talk ends, it fetches the page again and
// replaces the parts marked data-refresh. With notifications (push.js) it polls when one arrives, and rarely otherwise.

import { t } from "./i18n.js";
import { Push } from "./push.js";
import { now, syncClock, syncFromResponse } from "./server-clock.js";

const POLL_INTERVAL = 5000;
const MAX_POLL_INTERVAL = 60000;
const TICK_INTERVAL = 15000;
const RETRY_DELAY = 10000;
// A server that does not respond must not stop the updates.
const REQUEST_TIMEOUT = 15000;
// When talks end, all viewers fetch their page: at most about this many in a millisecond.
const MAX_FETCHES_PER_MS = 5;
const MIN_SPREAD = 4000;
const MAX_SPREAD = 60000;
// The frontend learns of a change up to about a second after the process that sent the notification.
const LAG_RETRY_DELAY = 600;
const MAX_LAG_RETRIES = 5;

// A page of a conference that is over has none, and polls nothing.
const streams = document.body.dataset.streams;
// The id of the latest notification, until the page shows its change.
let pendingId = "";
let failures = 0;
// How often in a row the fetched page disagreed with the tracker about the live rooms.
let mismatches = 0;
let shownLive = liveOnPage();
let isClockSet = false;
// The number of viewers in all rooms.
let viewers = 0;

function liveOnPage() {
  const rooms = document.querySelectorAll("[data-room][data-live='true']");
  // A page may contain a room twice.
  return [...new Set([...rooms].map(({ dataset }) => roomState(dataset.room, "slate" in dataset)))].sort().join(" ");
}

/** The part of a room's status that pages show: it is live, with its own stream or a slate. */
function roomState(id, isOnSlate) {
  return isOnSlate ? `${id}:slate` : id;
}

function roomsOnPage() {
  return new Set([...document.querySelectorAll("[data-room]")].map((room) => room.dataset.room));
}

let pollTimer;
/** Poll after a delay; jitter spreads the requests of all viewers. */
function pollIn(milliseconds) {
  clearTimeout(pollTimer);
  pollTimer = setTimeout(poll, milliseconds * (0.8 + 0.4 * Math.random()));
}

// A response that is in flight when a notification arrives may be older than the change, so a second poll follows.
let isPolling = false;
let pollAgain = false;

async function poll() {
  clearTimeout(pollTimer);
  // A hidden page polls when it becomes visible.
  if (document.hidden) return document.addEventListener("visibilitychange", poll, { once: true });
  if (isPolling) {
    pollAgain = true;
    return;
  }
  isPolling = true;
  try {
    const requestedAt = Date.now();
    const response = await fetch(bypassCache(streams), { cache: "no-store", signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
    if (!response.ok) throw new Error(response.status);
    const { rooms } = await response.json();
    const shown = roomsOnPage();
    const live = Object.keys(rooms).filter((id) => shown.has(id) && rooms[id].live)
      .map((id) => roomState(id, rooms[id].slate === true)).sort().join(" ");
    viewers = Object.values(rooms).reduce((sum, { clients }) => sum + clients, 0);
    failures = 0;
    await setClock(response, requestedAt);
    if (live !== shownLive) await refresh();
    mismatches = live === shownLive ? 0 : mismatches + 1;
    if (mismatches === 0) pendingId = "";
  } catch {
    failures += 1;
  }
  // The frontend may lag by a few seconds, which is worth one early retry; or it cannot reach the tracker at all.
  const retries = Math.max(failures, mismatches - 1, 0);
  isPolling = false;
  if (pollAgain) {
    pollAgain = false;
    return pollIn(0);
  }
  if (push?.isOpen && failures === 0) {
    const isLagging = mismatches > 0 && mismatches <= MAX_LAG_RETRIES;
    return pollIn(isLagging ? LAG_RETRY_DELAY : MAX_POLL_INTERVAL);
  }
  pollIn(Math.min(POLL_INTERVAL * 2 ** retries, MAX_POLL_INTERVAL));
}

function onChange(what, id) {
  if (document.hidden) return;
  pendingId = id;
  if (what === "streams") poll();
  if (what === "schedule") refresh();
}

/** Add the notification's id as a cache key: all its receivers share one response that is newer than the change. */
function bypassCache(href) {
  const address = new URL(href, location.href);
  if (pendingId) address.searchParams.set("told", mismatches ? `${pendingId}-${mismatches}` : pendingId);
  return address;
}

/** Set the clock once. CORS hides the Date header of a tracker on another origin. */
async function setClock(response, requestedAt) {
  if (isClockSet) return;
  isClockSet = true;
  if (!syncFromResponse(response, requestedAt)) await syncClock();
  scheduleRefetch();
  tick();
}

/** Fetch the page again and show what has changed; retry later after a failure. */
async function refresh() {
  const address = location.href;
  try {
    const response = await fetch(bypassCache(address), { cache: "no-store", signal: AbortSignal.timeout(REQUEST_TIMEOUT) });
    if (!response.ok) throw new Error(response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    // The viewer may have changed rooms in the meantime.
    if (address === location.href) update(page);
  } catch {
    clearTimeout(refetchTimer);
    refetchTimer = setTimeout(refresh, RETRY_DELAY * (1 + Math.random()));
  }
}

function update(page) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
    if (!fresh || part.isEqualNode(fresh) || isFormInUse(part, fresh)) continue;
    if (!isPlayerInUse(part, fresh)) morph(part, fresh);
    // The player that stays counts down to the next talk.
    else {
      Object.assign(part.dataset, { starts: fresh.dataset.starts ?? "", next: fresh.dataset.next ?? "", talks: fresh.dataset.talks ?? "[]" });
      showSlate(part, fresh);
    }
  }
  onUpdated();
}

/** Show in the stage of a player that stays whether the stream is a slate. */
function showSlate(part, fresh) {
  const isOnSlate = fresh.hasAttribute("data-slate");
  if (isOnSlate === part.hasAttribute("data-slate")) return;
  part.toggleAttribute("data-slate", isOnSlate);
  const badge = fresh.querySelector(".badge");
  if (badge) part.querySelector(".badge")?.replaceWith(badge);
}

/** Whether the viewer is filling in a form, or has sent it and sees the result. */
function isFormInUse(part, fresh) {
  const form = part.querySelector("form[data-in-use]");
  if (!form) return false;
  return form.dataset.inUse === "typed" || form.action === fresh.querySelector("form")?.action;
}

function onUpdated() {
  shownLive = liveOnPage();
  scheduleRefetch();
}

/**
 * Whether a part contains a player that must stay. A playing stream continues even if the tracker has lost its
 * endpoint, unless the configuration switches the room to another source.
 */
function isPlayerInUse(part, fresh) {
  if (part.dataset.source !== fresh.dataset.source) return false;
  if (part.querySelector("iframe")) return true;
  const video = part.querySelector("video");
  return video !== null && (video.matches("[data-wanted]") || fresh.querySelector("video") !== null);
}

/** Replace a part; open details and the focused link stay as they are. */
function morph(part, fresh) {
  const open = [...part.querySelectorAll("details")].map((details) => details.open);
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.replaceWith(fresh);
  fresh.querySelectorAll("details").forEach((details, number) => { details.open = open[number] ?? details.open; });
  if (focused) fresh.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("content-replaced", { detail: fresh }));
}

let refetchTimer;
/** Fetch the page again at the next change that the schedule announces. */
function scheduleRefetch() {
  clearTimeout(refetchTimer);
  const ends = [...document.querySelectorAll("progress[data-end]")].map((bar) => bar.dataset.end);
  const changes = [...document.querySelectorAll("[data-changes]")].map((part) => part.dataset.changes);
  const moments = [...ends, ...changes].filter(Boolean).map(Date.parse).filter((moment) => moment > now());
  if (moments.length === 0) return;
  const delay = Math.min(...moments) - now() + 1000;
  // Longer delays overflow setTimeout.
  if (delay < 2 ** 31) refetchTimer = setTimeout(refreshInSpread, delay);
}

/** Fetch the page at a random moment: the more viewers, the longer the spread. */
function refreshInSpread() {
  const spread = Math.min(Math.max(viewers / MAX_FETCHES_PER_MS, MIN_SPREAD), MAX_SPREAD);
  refetchTimer = setTimeout(refresh, spread * Math.random());
}

/** Update progress bars and remaining minutes. */
function tick() {
  for (const bar of document.querySelectorAll("progress[data-end]")) {
    const start = Date.parse(bar.dataset.start);
    const end = Date.parse(bar.dataset.end);
    bar.value = Math.max(0, Math.min(100, (100 * (now() - start)) / (end - start)));
    const left = bar.parentElement.querySelector("[data-left]");
    if (left) left.textContent = t("{minutes} min left", { minutes: Math.max(0, Math.ceil((end - now()) / 60000)) });
  }
}

const refreshSeconds = document.querySelector("[data-every]")?.dataset.every;
if (refreshSeconds) setInterval(refresh, 1000 * refreshSeconds);
setInterval(tick, TICK_INTERVAL);
document.addEventListener("room-changed", onUpdated);
scheduleRefetch();
// The back button may restore an old page.
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") refresh();
const address = document.body.dataset.push;
const push = address ? new Push(address, { onChange, onDisconnect: () => pollIn(POLL_INTERVAL) }) : null;
// The first poll also sets the clock.
if (streams) poll();
