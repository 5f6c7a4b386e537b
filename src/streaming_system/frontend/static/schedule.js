// The programme: searches while one types, marks favourites, shows where the time is.
// Without it the page is whole; the search then needs a press of the button.

import { now, setClock } from "./clock.js";
import { isFavourite, onChange, star } from "./favourites.js";
import { t } from "./words.js";
import * as zone from "./zone.js";

const SEARCH_AFTER = 200;
const TICK_EVERY = 15_000;
const ONLY = "only favourites";

const programme = document.getElementById("programme");
const note = document.querySelector("[data-zone-note]");
const eventNote = note.textContent;
const zoneSwitch = document.querySelector("[data-zone-switch]");
const onlyButton = document.querySelector("[data-favourites-only]");
const toNow = document.querySelector("[data-to-now]");
const search = document.querySelector("form.search");

let viewer = zone.wantsViewerZone();
let only = false;
try {
  // On the way from day to day it stays; tomorrow nobody would remember it.
  only = sessionStorage.getItem(ONLY) === "true";
} catch {
  // Then each day begins with all talks.
}

const talks = () => programme.querySelectorAll(".talk");
const idOf = (talk) => talk.querySelector("a").pathname.split("/").pop();

/** Make what has just come from the server fit for this viewer. */
function prepare() {
  for (const talk of talks()) {
    talk.firstElementChild.append(star(idOf(talk), talk.querySelector("a").textContent));
  }
  const line = document.createElement("div");
  line.className = "now-line";
  line.hidden = true;
  line.setAttribute("aria-hidden", "true");
  line.append(document.createElement("span"));
  programme.querySelector(".grid-scroll")?.append(line);
  showZone();
  filter();
  tick();
}

function showZone() {
  const times = [...programme.querySelectorAll("time")];
  zoneSwitch.hidden = !times.some(zone.differs);
  zoneSwitch.setAttribute("aria-pressed", viewer);
  zone.show(programme, viewer);
  const away = viewer && !zoneSwitch.hidden;
  note.textContent = away ? t("Times are where you are ({place}); days are the event's.", { place: zone.viewerZoneName }) : eventNote;
  tick();
}

/** Hide what is no favourite, if that is wanted, and every time at which nothing is left. */
function filter() {
  let shown = 0;
  let all = 0;
  for (const talk of talks()) {
    const off = only && !isFavourite(idOf(talk));
    talk.classList.toggle("off", off);
    all += 1;
    if (!off) shown += 1;
  }
  for (const group of programme.querySelectorAll(".grid tbody tr, .slot, .agenda section")) {
    group.classList.toggle("idle", group.querySelector(".talk:not(.off)") === null);
  }
  onlyButton.setAttribute("aria-pressed", only);
  document.querySelector("[data-favourites-note]").textContent = only
    ? t("Only favourites are shown: {shown} of {all}.", { shown, all })
    : "";
}

/** Mark what is on, and draw the line of the time through the grid. */
function tick() {
  const moment = now();
  for (const talk of talks()) {
    const [start, end] = [...talk.querySelectorAll(".when time")].map((time) => Date.parse(time.dateTime));
    const on = start <= moment && moment < end;
    if (on === talk.classList.contains("is-on")) continue;
    talk.classList.toggle("is-on", on);
    if (on) talk.querySelector(".when").append(badge());
    else talk.querySelector(".on-now")?.remove();
  }
  toNow.hidden = programme.querySelector(".is-on:not(.off)") === null;
  drawLine(moment);
}

function badge() {
  const badge = document.createElement("span");
  badge.className = "on-now";
  badge.textContent = t("now");
  return badge;
}

function drawLine(moment) {
  const line = programme.querySelector(".now-line");
  if (!line) return;
  const row = [...programme.querySelectorAll(".grid tbody tr")].find((row) => moment < Date.parse(row.dataset.end));
  const start = row && Date.parse(row.querySelector("time").dateTime);
  line.hidden = !row || moment < start;
  if (line.hidden) return;
  const part = (moment - start) / (Date.parse(row.dataset.end) - start);
  // A cell's place, since a row's own is that of its table's body in some browsers.
  const head = row.querySelector("th");
  line.style.insetBlockStart = `${head.offsetTop + part * head.offsetHeight}px`;
  line.firstChild.textContent = zone.clockTime(moment, viewer ? undefined : programme.dataset.zone);
}

/** Scroll back a little, until no star is below the head of the table, where nobody could press it. */
function uncover(scroll) {
  const head = scroll.querySelector("thead th").getBoundingClientRect();
  const stars = [...scroll.querySelectorAll(".star")];
  const from = scroll.scrollTop;
  // Each step uncovers one, and may bring the next one there. What is on now stays in sight.
  while (from - scroll.scrollTop < scroll.clientHeight / 3) {
    const hidden = stars.map((one) => one.getBoundingClientRect()).find(({ top, bottom }) => top < head.bottom && bottom > head.top);
    if (!hidden || scroll.scrollTop === 0) return;
    scroll.scrollTop -= Math.ceil(head.bottom - hidden.top);
  }
  scroll.scrollTop = from;
}

function goToNow(focus) {
  const talk = programme.querySelector(".is-on:not(.off)");
  if (!talk) return;
  const scroll = programme.querySelector(".grid-scroll");
  const line = programme.querySelector(".now-line");
  if (scroll && !line.hidden && getComputedStyle(line).display !== "none") {
    // The room's first talks of the hour are in sight, too.
    scroll.scrollTop = line.offsetTop - scroll.clientHeight / 3;
    uncover(scroll);
    if (focus) scroll.scrollIntoView({ block: "nearest" });
  } else if (focus) {
    talk.scrollIntoView({ block: "center" });
  }
  if (focus) talk.querySelector("a").focus();
}

let asking;
let waiting;

/** Ask for what fits the words, and put it in the place of what is shown. */
async function find() {
  const address = new URL(search.action);
  for (const [name, value] of new FormData(search)) if (value.trim()) address.searchParams.set(name, value.trim());
  // Without words, the page is the one that one came from.
  if (!address.searchParams.has("q") && cameFrom) address.search = cameFrom;
  asking?.abort();
  asking = new AbortController();
  try {
    const answer = await fetch(address, { signal: asking.signal });
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["days", "views", "count"]) {
      document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
    }
    const fresh = page.getElementById("programme");
    programme.dataset.zone = fresh.dataset.zone;
    programme.replaceChildren(...fresh.childNodes);
    history.replaceState(null, "", address);
    prepare();
  } catch (error) {
    // The words stay in the field; its button asks again.
    if (error.name !== "AbortError") document.getElementById("count").textContent = t("The search does not answer at the moment.");
  }
}

const cameFrom = new URL(location.href).searchParams.has("q") ? "" : location.search;

search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, SEARCH_AFTER);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(waiting);
  find();
});
onlyButton.addEventListener("click", () => {
  only = !only;
  try {
    sessionStorage.setItem(ONLY, only);
  } catch {
    // It holds for this page.
  }
  filter();
  tick();
});
zoneSwitch.addEventListener("click", () => {
  viewer = !viewer;
  zone.remember(viewer);
  showZone();
});
toNow.addEventListener("click", () => goToNow(true));
onChange(() => { if (only) filter(); });
addEventListener("resize", () => drawLine(now()));

document.querySelector(".for-scripts").hidden = false;
search.querySelector("button").hidden = true;
prepare();
await setClock();
tick();
goToNow(false);
setInterval(tick, TICK_EVERY);
