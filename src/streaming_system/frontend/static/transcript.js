// The transcript of a talk on its page: its lines with times, in all languages, also while the talk is on.

import { fetchJson } from "./player/live-captions.js";
import { languageName } from "./player/tracks.js";
import { now, syncClock } from "./server-clock.js";

const POLL_INTERVAL = 5000;
// Until a running talk has a transcript, and until captioners have corrected the last lines.
const DISCOVERY_INTERVAL = 30_000;
const LATE_CORRECTIONS = 60_000;

const section = document.querySelector("section.transcript");
const { transcript: address, zone } = section.dataset;
const start = Date.parse(section.dataset.start);
const end = Date.parse(section.dataset.end);
const details = section.querySelector("details");
const list = section.querySelector("ol");
const select = section.querySelector("select");
const search = section.querySelector("input");
const status = section.querySelector("[role=status]");
const clock = new Intl.DateTimeFormat(document.documentElement.lang || "en", { timeStyle: "medium", timeZone: zone });

let language = "";
// The elements of the lines, by the lines' ids.
let items = new Map();

function addressOf(ending) {
  const lang = language ? `&lang=${encodeURIComponent(language)}` : "";
  return address.replace("transcript.json?", `transcript.${ending}?`) + lang;
}

async function load() {
  const requested = language;
  const transcript = await fetchJson(addressOf("json"));
  if (!transcript || requested !== language || transcript.languages.length === 0) return;
  language ||= preferredLanguage(transcript.languages);
  showLanguages(transcript.languages);
  section.hidden = false;
  if (language === transcript.language) show(transcript.lines);
  else await load();
}

/** Return the language of the page, or else the first one. */
function preferredLanguage(languages) {
  const page = document.documentElement.lang.split("-")[0];
  return languages.find((tag) => tag.split("-")[0] === page) ?? languages[0];
}

function showLanguages(languages) {
  if (languages.join() !== [...select.options].map(({ value }) => value).join()) {
    select.replaceChildren(...languages.map((tag) => new Option(languageName(tag), tag)));
  }
  select.value = language;
  select.closest("[data-language]").hidden = languages.length < 2;
  for (const link of section.querySelectorAll("[data-format]")) link.href = addressOf(link.dataset.format);
}

/** Show the lines; those that are shown already stay, so that a selection and the focus do. */
function show(lines) {
  const previous = items;
  items = new Map(lines.map((line) => [line.id, previous.get(line.id) ?? makeItem()]));
  for (const line of lines) fill(items.get(line.id), line);
  const elements = [...items.values()];
  if (elements.length !== list.children.length || elements.some((item, number) => item !== list.children[number])) list.replaceChildren(...elements);
  filter();
}

function makeItem() {
  const item = document.createElement("li");
  const text = document.createElement("span");
  text.dir = "auto";
  item.append(document.createElement("time"), text);
  return item;
}

function fill(item, line) {
  const [time, text] = item.children;
  if (time.dateTime !== line.start) {
    time.dateTime = line.start;
    time.textContent = clock.format(new Date(line.start));
  }
  text.lang = language;
  if (text.textContent !== line.text) text.textContent = line.text;
}

function filter() {
  const words = search.value.trim().toLocaleLowerCase();
  let count = 0;
  for (const item of items.values()) {
    item.hidden = !item.lastChild.textContent.toLocaleLowerCase().includes(words);
    if (!item.hidden) count += 1;
  }
  status.hidden = count > 0 || items.size === 0;
}

let timer;
async function poll() {
  clearTimeout(timer);
  if (!document.hidden && now() >= start) await load();
  clearTimeout(timer);
  if (now() < end + LATE_CORRECTIONS) timer = setTimeout(poll, details.open ? POLL_INTERVAL : DISCOVERY_INTERVAL);
}

search.addEventListener("input", filter);
select.addEventListener("change", () => {
  language = select.value;
  load();
});
details.addEventListener("toggle", () => { if (details.open) poll(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden && now() < end + LATE_CORRECTIONS) poll(); });
await syncClock();
poll();
