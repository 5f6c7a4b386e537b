// Draws what the tracker tells of the past, and keeps it up to date while somebody looks.
//
// Every graph of overall-stats.json becomes a figure: title and unit, the drawing, a legend in the
// order of the lines with the figures under the pointer, and the same as a table.

import { Figure } from "./graph-figure.js";
import { t } from "./words.js";

const ASK_AT_MOST_EVERY = 5000;
const ASK_AT_LEAST_EVERY = 60000;
const MINUTE = 60000;

const root = document.querySelector("[data-graphs]");
const state = document.querySelector(".graphs-state");
const noted = document.querySelector(".noted");
const links = [...document.querySelectorAll("[data-range]")];
const order = root.dataset.order.split(" ");
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const moment = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const figures = new Map();
let range = chosen();
let planned;
let asking = new AbortController();
let newest = null;

function chosen() {
  return links.find((link) => link.getAttribute("aria-current"))?.dataset.range ?? "120";
}

function minutes() {
  if (range !== "event") return Number(range);
  return Math.max(10, Math.ceil((Date.now() - Date.parse(root.dataset.since)) / MINUTE));
}

async function ask() {
  clearTimeout(planned);
  asking.abort();
  const mine = new AbortController();
  asking = mine;
  let wait = ASK_AT_MOST_EVERY;
  try {
    const of = root.dataset.of ? `&room=${encodeURIComponent(root.dataset.of)}` : "";
    const answer = await fetch(`${root.dataset.graphs}?range=${minutes()}${of}`, { signal: mine.signal });
    if (!answer.ok) throw new Error(answer.status);
    const told = await answer.json();
    show(told);
    wait = (told.graphs[0].step * 1000) / 2;
    newest = Date.now();
    say("");
  } catch {
    if (mine.signal.aborted) return;
    say(newest ? t("The tracker does not answer. This is what was known on {time}.", { time: moment.format(newest) }) : t("The tracker does not answer. It is asked again every few seconds."));
  }
  if (!document.hidden) planned = setTimeout(ask, Math.min(Math.max(wait, ASK_AT_MOST_EVERY), ASK_AT_LEAST_EVERY) * (0.9 + 0.2 * Math.random()));
}

function say(text) {
  if (state.textContent !== text) state.textContent = text;
  state.hidden = text === "";
}

function show(told) {
  const span = { begin: Date.now() - minutes() * MINUTE, end: Date.now() };
  for (const graph of told.graphs) {
    if (!figures.has(graph.title)) {
      const figure = new Figure({ number: figures.size + 1, language, order, link: root.dataset.of ? null : linkTo });
      figures.set(graph.title, figure);
      root.append(figure.element);
    }
    figures.get(graph.title).show(graph, told.annotations, span);
  }
  note(told.annotations);
}

/** Where the graphs of one room's servers are. */
function linkTo(room) {
  const address = new URL(root.dataset.page, location.href);
  address.searchParams.set("room", room);
  address.searchParams.set("range", range);
  return `${address.pathname}${address.search}`;
}

/** List the annotations in words: not every label finds room in a drawing. */
function note(annotations) {
  const list = noted.querySelector("ol");
  noted.hidden = annotations.length === 0;
  list.replaceChildren(...annotations.map(({ x, label, room }) => {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = new Date(x).toISOString();
    time.textContent = moment.format(x);
    item.append(time, ` ${label}${room ? ` (${room})` : ""}`);
    return item;
  }));
}

function choose(next) {
  range = next;
  for (const link of links) {
    if (link.dataset.range === next) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  ask();
}

for (const link of links) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    choose(link.dataset.range);
  });
}
addEventListener("popstate", () => choose(new URLSearchParams(location.search).get("range") ?? "120"));
document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(planned); else ask(); });
document.addEventListener("schemechange", () => figures.forEach((figure) => figure.redraw()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures.forEach((figure) => figure.redraw()));
ask();
