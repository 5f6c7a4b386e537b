// Draws the tracker's time series, and updates them while the page is visible.
//
// Every graph of overall-stats.json becomes a figure: title and unit, the drawing, a legend with the values at the
// pointer, and a table.

import { GraphFigure } from "./graph-figure.js";
import { t } from "./i18n.js";

const MIN_POLL_INTERVAL = 5000;
const MAX_POLL_INTERVAL = 60000;
const MINUTE = 60000;

const root = document.querySelector("[data-graphs]");
const status = document.querySelector(".graphs-state");
const annotationSection = document.querySelector(".noted");
const links = [...document.querySelectorAll("[data-range]")];
// The tracker's ids of the rooms of one conference begin with this; "" for the site itself.
const prefix = root.dataset.prefix ?? "";
const order = root.dataset.order.split(" ");
const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const dateTime = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const figures = new Map();
let range = currentRange();
let pollTimer;
let request = new AbortController();
let updatedAt = null;

function currentRange() {
  return links.find((link) => link.getAttribute("aria-current"))?.dataset.range ?? "120";
}

function minutes() {
  if (range !== "event") return Number(range);
  return Math.max(10, Math.ceil((Date.now() - Date.parse(root.dataset.since)) / MINUTE));
}

async function poll() {
  clearTimeout(pollTimer);
  request.abort();
  const { signal } = (request = new AbortController());
  let interval = MIN_POLL_INTERVAL;
  try {
    const room = root.dataset.of ? `&room=${encodeURIComponent(root.dataset.of)}` : "";
    const response = await fetch(`${root.dataset.graphs}?range=${minutes()}${room}`, { signal });
    if (!response.ok) throw new Error(response.status);
    const stats = await response.json();
    show(stats);
    interval = (stats.graphs[0].step * 1000) / 2;
    updatedAt = Date.now();
    showStatus("");
  } catch {
    if (signal.aborted) return;
    showStatus(updatedAt ? t("The tracker is not responding. Last known data: {time}.", { time: dateTime.format(updatedAt) }) : t("The tracker is not responding. Retrying every few seconds."));
  }
  if (!document.hidden) pollTimer = setTimeout(poll, Math.min(Math.max(interval, MIN_POLL_INTERVAL), MAX_POLL_INTERVAL) * (0.9 + 0.2 * Math.random()));
}

function showStatus(text) {
  if (status.textContent !== text) status.textContent = text;
  status.hidden = text === "";
}

function show({ graphs, annotations }) {
  const span = { begin: Date.now() - minutes() * MINUTE, end: Date.now() };
  // The series of one room are its endpoints.
  const isOwn = ({ label }) => root.dataset.of || label.startsWith(prefix);
  for (const whole of graphs) {
    const graph = { ...whole, series: whole.series.filter(isOwn) };
    if (!figures.has(graph.title)) {
      const figure = new GraphFigure({ number: figures.size + 1, language, order, link: root.dataset.of ? null : roomAddress });
      figures.set(graph.title, figure);
      root.append(figure.element);
    }
    figures.get(graph.title).show(graph, annotations, span);
  }
  listAnnotations(annotations);
}

/** Return the address of the graphs of one room's endpoints. */
function roomAddress(room) {
  const address = new URL(root.dataset.page, location.href);
  address.searchParams.set("room", room.slice(prefix.length));
  address.searchParams.set("range", range);
  return `${address.pathname}${address.search}`;
}

/** List the annotations as text: a drawing has no room for all labels. */
function listAnnotations(annotations) {
  const list = annotationSection.querySelector("ol");
  annotationSection.hidden = annotations.length === 0;
  list.replaceChildren(...annotations.map(({ x, label, room }) => {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = new Date(x).toISOString();
    time.textContent = dateTime.format(x);
    item.append(time, ` ${label}${room ? ` (${room})` : ""}`);
    return item;
  }));
}

function selectRange(next) {
  range = next;
  for (const link of links) {
    if (link.dataset.range === next) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  poll();
}

function redraw() {
  figures.forEach((figure) => figure.redraw());
}

for (const link of links) {
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    selectRange(link.dataset.range);
  });
}
addEventListener("popstate", () => selectRange(new URLSearchParams(location.search).get("range") ?? "120"));
document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(pollTimer); else poll(); });
document.addEventListener("schemechange", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
poll();
