// The schedule page: search while the viewer types, favourites, and the current time in the grid. Without this script the
// page is complete, and the search has a button.

import { favouriteButton, isFavourite, onChange } from "./favourites.js";
import { t } from "./i18n.js";
import { now, syncClock } from "./server-clock.js";
import { formatTime, isOtherZone, prefersViewerZone, showZone, storePreference, viewerZoneName } from "./timezone.js";

const SEARCH_DELAY = 200;
const TICK_INTERVAL = 15_000;
const { event } = document.body.dataset;
const FILTER_KEY = event ? `only favourites ${event}` : "only favourites";

const schedule = document.getElementById("programme");
const zoneNote = document.querySelector("[data-zone-note]");
const eventZoneText = zoneNote.textContent;
const zoneButton = document.querySelector("[data-zone-switch]");
const filterButton = document.querySelector("[data-favourites-only]");
const nowButton = document.querySelector("[data-to-now]");
const searchForm = document.querySelector("form.search");

let usesViewerZone = prefersViewerZone();
let isFiltered = false;
try {
  // The filter applies to all days, until the viewer closes the tab.
  isFiltered = sessionStorage.getItem(FILTER_KEY) === "true";
} catch {
  // Without storage each page begins with all talks.
}

const allTalks = () => schedule.querySelectorAll(".talk");
const idOf = (talk) => talk.querySelector("a").pathname.split("/").pop();

/** Add the scripted parts to a schedule that the server has rendered. */
function enhance() {
  for (const talk of allTalks()) {
    talk.firstElementChild.append(favouriteButton(idOf(talk), talk.querySelector("a").textContent));
  }
  const line = document.createElement("div");
  line.className = "now-line";
  line.hidden = true;
  line.setAttribute("aria-hidden", "true");
  line.append(document.createElement("span"));
  schedule.querySelector(".grid-scroll")?.append(line);
  updateZone();
  applyFilter();
  tick();
}

function updateZone() {
  zoneButton.hidden = ![...schedule.querySelectorAll("time")].some(isOtherZone);
  zoneButton.setAttribute("aria-pressed", usesViewerZone);
  showZone(schedule, usesViewerZone);
  const isConverted = usesViewerZone && !zoneButton.hidden;
  zoneNote.textContent = isConverted ? t("Times are in your time zone ({place}); days are those of the event.", { place: viewerZoneName }) : eventZoneText;
  tick();
}

/** Hide talks that are no favourites, if the filter is on, and rows without talks. */
function applyFilter() {
  let shown = 0;
  let all = 0;
  for (const talk of allTalks()) {
    const isOff = isFiltered && !isFavourite(idOf(talk));
    talk.classList.toggle("off", isOff);
    all += 1;
    if (!isOff) shown += 1;
  }
  for (const group of schedule.querySelectorAll(".grid tbody tr, .slot, .agenda section")) {
    group.classList.toggle("idle", group.querySelector(".talk:not(.off)") === null);
  }
  filterButton.setAttribute("aria-pressed", isFiltered);
  document.querySelector("[data-favourites-note]").textContent = isFiltered
    ? t("Showing favourites only: {shown} of {all}.", { shown, all })
    : "";
}

/** Mark the current talks, and move the line of the current time. */
function tick() {
  const moment = now();
  for (const talk of allTalks()) {
    const [start, end] = [...talk.querySelectorAll(".when time")].map((time) => Date.parse(time.dateTime));
    const isOn = start <= moment && moment < end;
    if (isOn === talk.classList.contains("is-on")) continue;
    talk.classList.toggle("is-on", isOn);
    if (isOn) talk.querySelector(".when").append(nowBadge());
    else talk.querySelector(".on-now")?.remove();
  }
  nowButton.hidden = schedule.querySelector(".is-on:not(.off)") === null;
  moveLine(moment);
}

function nowBadge() {
  const badge = document.createElement("span");
  badge.className = "on-now";
  badge.textContent = t("now");
  return badge;
}

function moveLine(moment) {
  const line = schedule.querySelector(".now-line");
  if (!line) return;
  const row = [...schedule.querySelectorAll(".grid tbody tr")].find(({ dataset }) => moment < Date.parse(dataset.end));
  const start = row && Date.parse(row.querySelector("time").dateTime);
  line.hidden = !row || moment < start;
  if (line.hidden) return;
  const fraction = (moment - start) / (Date.parse(row.dataset.end) - start);
  // In some browsers the offsetTop of a row is relative to its <tbody>; that of a cell is relative to the table.
  const head = row.querySelector("th");
  line.style.insetBlockStart = `${head.offsetTop + fraction * head.offsetHeight}px`;
  line.firstChild.textContent = formatTime(moment, usesViewerZone ? undefined : schedule.dataset.zone);
}

/** Scroll back a little until the sticky table head hides no star: a covered star cannot be clicked. */
function uncoverStars(scroller) {
  const head = scroller.querySelector("thead th").getBoundingClientRect();
  const stars = [...scroller.querySelectorAll(".star")];
  const initial = scroller.scrollTop;
  // Each step may cover another star. The limit keeps the current talks visible.
  while (initial - scroller.scrollTop < scroller.clientHeight / 3) {
    const covered = stars.map((star) => star.getBoundingClientRect()).find(({ top, bottom }) => top < head.bottom && bottom > head.top);
    if (!covered || scroller.scrollTop === 0) return;
    scroller.scrollTop -= Math.ceil(head.bottom - covered.top);
  }
  scroller.scrollTop = initial;
}

function scrollToNow(focus) {
  const talk = schedule.querySelector(".is-on:not(.off)");
  if (!talk) return;
  const scroller = schedule.querySelector(".grid-scroll");
  const line = schedule.querySelector(".now-line");
  if (scroller && !line.hidden && getComputedStyle(line).display !== "none") {
    // The first talks of the hour stay visible, too.
    scroller.scrollTop = line.offsetTop - scroller.clientHeight / 3;
    uncoverStars(scroller);
    if (focus) scroller.scrollIntoView({ block: "nearest" });
  } else if (focus) {
    talk.scrollIntoView({ block: "center" });
  }
  if (focus) talk.querySelector("a").focus();
}

let searchRequest;
let searchTimer;

/** Fetch the search results and show them in place of the schedule. */
async function search() {
  const address = new URL(searchForm.action);
  for (const [name, value] of new FormData(searchForm)) if (value.trim()) address.searchParams.set(name, value.trim());
  // An empty search restores the query of the first page.
  if (!address.searchParams.has("q") && initialQuery) address.search = initialQuery;
  searchRequest?.abort();
  searchRequest = new AbortController();
  try {
    const response = await fetch(address, { signal: searchRequest.signal });
    if (!response.ok) throw new Error(response.status);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of ["days", "views", "count"]) {
      document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    }
    const fresh = page.getElementById("programme");
    schedule.dataset.zone = fresh.dataset.zone;
    schedule.replaceChildren(...fresh.childNodes);
    history.replaceState(null, "", address);
    enhance();
  } catch (error) {
    // The field keeps its text; Enter searches again.
    if (error.name !== "AbortError") document.getElementById("count").textContent = t("Search is unavailable right now.");
  }
}

const initialQuery = new URL(location.href).searchParams.has("q") ? "" : location.search;

searchForm.addEventListener("input", () => {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(search, SEARCH_DELAY);
});
searchForm.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(searchTimer);
  search();
});
filterButton.addEventListener("click", () => {
  isFiltered = !isFiltered;
  try {
    sessionStorage.setItem(FILTER_KEY, isFiltered);
  } catch {
    // Without storage the filter applies to this page only.
  }
  applyFilter();
  tick();
});
zoneButton.addEventListener("click", () => {
  usesViewerZone = !usesViewerZone;
  storePreference(usesViewerZone);
  updateZone();
});
nowButton.addEventListener("click", () => scrollToNow(true));
onChange(() => { if (isFiltered) applyFilter(); });
addEventListener("resize", () => moveLine(now()));

document.querySelector(".for-scripts").hidden = false;
searchForm.querySelector("button").hidden = true;
enhance();
await syncClock();
tick();
scrollToNow(false);
setInterval(tick, TICK_INTERVAL);
