// The schedule page: search while the viewer types, favourites, the current time, and what is over. Without this script the
// page is complete, and its forms have buttons.

import { favouriteButton, isFavourite, onChange } from "./favourites.js";
import { GridView } from "./grid-view.js";
import { t } from "./i18n.js";
import { now, syncClock } from "./server-clock.js";
import "./watched-marks.js";
import { formatTime, isOtherZone, prefersViewerZone, showZone, storePreference, viewerZoneName } from "./timezone.js";

const SEARCH_DELAY = 200;
const TICK_INTERVAL = 15_000;
const { event } = document.body.dataset;
const FILTER_KEY = event ? `only favourites ${event}` : "only favourites";

const schedule = document.getElementById("programme");
const countNote = document.getElementById("count");
const zoneNote = document.querySelector("[data-zone-note]");
const zoneButton = document.querySelector("[data-zone-switch]");
const filterButton = document.querySelector("[data-favourites-only]");
const nowButton = document.querySelector("[data-to-now]");
const searchForm = document.querySelector("form.search");
const roomForm = document.querySelector("form.by-room");
// The stylesheet of the grid applies to wide windows, unless the viewer has chosen a layout.
const gridSheet = document.getElementById("grid-sheet");
const gridMedia = matchMedia(gridSheet?.media || "not all");

let talks = [];
let groups = [];
let grid;
let countNodes = [];
let eventZoneText = "";
let usesViewerZone = prefersViewerZone();
let isFiltered = false;
try {
  // The filter applies to all days, until the viewer closes the tab.
  isFiltered = sessionStorage.getItem(FILTER_KEY) === "true";
} catch {
  // Without storage each page begins with all talks.
}

/** Add the scripted parts to a schedule that the server has rendered. */
function enhance() {
  countNodes = [...countNote.childNodes];
  eventZoneText = zoneNote.textContent;
  talks = [...schedule.querySelectorAll(".talk")].map((element) => {
    const link = element.querySelector("a");
    const [start, end] = [...element.querySelectorAll(".when time")].map((time) => Date.parse(time.dateTime));
    return { element, link, start, end, id: link.pathname.split("/").pop() };
  });
  for (const { element, link, id } of talks) element.firstElementChild.append(favouriteButton(id, link.textContent));
  // Groups within others come first.
  groups = [...schedule.querySelectorAll(".grid tbody tr, .slot, .agenda section")].reverse();
  grid?.disconnect();
  grid = new GridView(schedule);
  schedule.prepend(earlierSummary());
  scrollToCurrentDay();
  markView();
  updateZone();
  applyFilter();
}

/** Return the summary that shows and hides the talks that are over; only lists show it. */
function earlierSummary() {
  const details = document.createElement("details");
  details.className = "earlier";
  details.hidden = true;
  details.append(document.createElement("summary"));
  details.addEventListener("toggle", () => schedule.classList.toggle("hides-earlier", !details.open && !details.hidden));
  return details;
}

function scrollToCurrentDay() {
  const current = document.querySelector(".days [aria-current]")?.parentElement;
  if (current) current.parentElement.scrollLeft = current.offsetLeft - (current.parentElement.clientWidth - current.offsetWidth) / 2;
}

/** Mark the layout that the window's width has chosen. */
function markView() {
  if (!gridSheet || gridSheet.media === "screen" || !schedule.querySelector(".grid")) return;
  for (const link of document.querySelectorAll("#views a")) {
    if ((link.dataset.view === "grid") === gridMedia.matches) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function updateZone() {
  zoneButton.hidden = ![...schedule.querySelectorAll("time")].some(isOtherZone);
  zoneButton.setAttribute("aria-pressed", usesViewerZone);
  const isConverted = usesViewerZone && !zoneButton.hidden;
  if (isConverted || schedule.querySelector("[data-event]")) showZone(schedule, usesViewerZone);
  zoneNote.textContent = isConverted ? t("Times are in your time zone ({place}); days are those of the event.", { place: viewerZoneName }) : eventZoneText;
}

/** Hide talks that are no favourites, if the filter is on. */
function applyFilter() {
  let shown = 0;
  for (const { element, id } of talks) {
    const isOff = isFiltered && !isFavourite(id);
    element.classList.toggle("off", isOff);
    if (!isOff) shown += 1;
  }
  filterButton.setAttribute("aria-pressed", isFiltered);
  if (isFiltered) countNote.textContent = t("Showing favourites only: {shown} of {all}.", { shown, all: talks.length });
  else if (countNote.firstChild !== countNodes[0]) countNote.replaceChildren(...countNodes);
  tick();
}

/** Mark the current talks and those that are over, hide groups without talks, and move the line of the current time. */
function tick() {
  const moment = now();
  let earlier = 0;
  let later = 0;
  for (const { element, start, end } of talks) {
    const isOn = start <= moment && moment < end;
    const isOff = element.classList.contains("off");
    element.classList.toggle("is-over", end <= moment);
    if (!isOff && end <= moment) earlier += 1;
    else if (!isOff) later += 1;
    if (isOn === element.classList.contains("is-on")) continue;
    element.classList.toggle("is-on", isOn);
    if (isOn) element.querySelector(".when").append(nowBadge());
    else element.querySelector(".on-now")?.remove();
  }
  for (const group of groups) {
    group.classList.toggle("idle", group.querySelector(".talk:not(.off)") === null);
    group.classList.toggle("is-over", group.querySelector(".talk:not(.off, .is-over)") === null);
  }
  updateEarlier(earlier, later);
  nowButton.hidden = schedule.querySelector(".is-on:not(.off)") === null;
  grid.moveLine(moment, formatTime(moment, usesViewerZone ? undefined : schedule.dataset.zone));
}

/** Fold the talks that are over, unless all are. */
function updateEarlier(earlier, later) {
  const details = schedule.querySelector(".earlier");
  details.hidden = !earlier || !later;
  const isDay = "day" in schedule.dataset;
  details.firstChild.textContent = isDay ? t("Earlier today ({count})", { count: earlier }) : t("Earlier ({count})", { count: earlier });
  schedule.classList.toggle("hides-earlier", !details.open && !details.hidden);
}

function nowBadge() {
  const badge = document.createElement("span");
  badge.className = "on-now";
  badge.textContent = t("now");
  return badge;
}

/** Show the current time and move the focus to a current talk. */
function goToNow() {
  const talk = schedule.querySelector(".is-on:not(.off)");
  if (!talk) return;
  if (!grid.scrollToNow()) talk.scrollIntoView({ block: "center" });
  talk.querySelector("a").focus({ preventScroll: true });
}

let request;
let searchTimer;

/** Fetch the schedule that a form selects, and show it in place of this one. */
async function show(form) {
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form)) if (value.trim()) address.searchParams.set(name, value.trim());
  // An empty search restores the query of the first page.
  if (form === searchForm && !address.searchParams.has("q") && initialQuery) address.search = initialQuery;
  request?.abort();
  request = new AbortController();
  try {
    const response = await fetch(address, { signal: request.signal });
    if (!response.ok) throw new Error(response.status);
    replaceSchedule(new DOMParser().parseFromString(await response.text(), "text/html"));
    history.replaceState(null, "", address);
  } catch (error) {
    // The field keeps its text; Enter searches again.
    if (error.name !== "AbortError") countNote.textContent = t("Search is unavailable right now.");
  }
}

function replaceSchedule(page) {
  for (const selector of ["#days", "#views", "#count", "[data-zone-note]", "h1"]) {
    document.querySelector(selector).replaceChildren(...page.querySelector(selector).childNodes);
  }
  zoneNote.hidden = page.querySelector("[data-zone-note]").hidden;
  document.title = page.title;
  for (const selector of ["form.search", "form.by-room"]) {
    const fields = [...(page.querySelector(selector)?.querySelectorAll("[type=hidden]") ?? [])];
    document.querySelectorAll(`${selector} [type=hidden]`).forEach((field) => field.remove());
    document.querySelector(selector)?.append(...fields);
  }
  const fresh = page.getElementById("programme");
  schedule.dataset.zone = fresh.dataset.zone;
  if (fresh.dataset.day) schedule.dataset.day = fresh.dataset.day;
  else delete schedule.dataset.day;
  schedule.replaceChildren(...fresh.childNodes);
  enhance();
}

const initialQuery = new URL(location.href).searchParams.has("q") ? "" : location.search;

searchForm.addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(show, SEARCH_DELAY, searchForm);
});
searchForm.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(searchTimer);
  show(searchForm);
});
roomForm?.addEventListener("change", ({ target }) => {
  target.classList.toggle("is-chosen", target.value !== "");
  show(roomForm);
});
filterButton.addEventListener("click", () => {
  isFiltered = !isFiltered;
  try {
    sessionStorage.setItem(FILTER_KEY, isFiltered);
  } catch {
    // Without storage the filter applies to this page only.
  }
  applyFilter();
});
zoneButton.addEventListener("click", () => {
  usesViewerZone = !usesViewerZone;
  storePreference(usesViewerZone);
  updateZone();
  tick();
});
nowButton.addEventListener("click", goToNow);
onChange(() => { if (isFiltered) applyFilter(); });
gridMedia.addEventListener("change", markView);
addEventListener("resize", () => tick());

document.querySelector(".for-scripts").hidden = false;
for (const button of document.querySelectorAll(".search button, .by-room button")) button.hidden = true;
enhance();
await syncClock();
tick();
// A reloaded page, and one that the viewer returns to, stay where they were.
if (performance.getEntriesByType("navigation")[0]?.type === "navigate" && scrollY === 0) grid.scrollToNow();
setInterval(tick, TICK_INTERVAL);
