// What opens beside the player: the chat, posts, the schedule. The player itself is never moved for it. A chat is somebody
// else's page: it is loaded when a viewer opens it, not before, and gone when they close it.

import { Fetched } from "./fetched.js";
import { isOn, switchTheatre } from "./theatre.js";

const KEY = "panel";
// From here on a panel stands beside the picture; room.css says the same.
const WIDE = matchMedia("(min-width: 1000px)");
// What web clients of chats need. They are other sites, whose own origin gives them nothing of ours.
const MAY = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox";

const main = document.getElementById("content");
let panes = new Map();
let openers = new Map();
const parts = new Map();
let shown = null;

/** Take hold of the panels of the room that the page shows; a page may have none. */
function setUp() {
  for (const one of parts.values()) one.stop();
  parts.clear();
  shown = null;
  main.classList.remove("has-pane");
  panes = new Map([...main.querySelectorAll("[data-pane]")].map((pane) => [pane.dataset.pane, pane]));
  openers = new Map([...main.querySelectorAll("[data-opens]")].map((link) => [link.dataset.opens, opener(link)]));
  // On a phone it would push away what one came for.
  if (WIDE.matches && panes.has(kept())) open(kept());
}

/** With scripts it opens something on this page, which is not what a link does. */
function opener(link) {
  const button = document.createElement("button");
  const name = link.dataset.opens;
  button.type = "button";
  button.className = link.className;
  button.append(...link.childNodes);
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", panes.get(name).id);
  button.addEventListener("click", () => { if (shown === name) close(); else ask(name); });
  link.replaceWith(button);
  return button;
}

/** Open a panel for a viewer who asks for it. */
function ask(name) {
  open(name);
  const pane = panes.get(name);
  connect(pane.querySelector("[data-chat]"));
  pane.focus({ preventScroll: true });
  if (!WIDE.matches) pane.scrollIntoView({ block: "start" });
  keep(name);
}

function open(name) {
  if (shown) hide(shown);
  shown = name;
  panes.get(name).hidden = false;
  openers.get(name).setAttribute("aria-expanded", "true");
  main.classList.add("has-pane");
  part(name)?.start();
}

function hide(name) {
  panes.get(name).hidden = true;
  openers.get(name).setAttribute("aria-expanded", "false");
  part(name)?.stop();
}

function close() {
  const name = shown;
  const hasFocus = panes.get(name).contains(document.activeElement);
  hide(name);
  shown = null;
  main.classList.remove("has-pane");
  for (const place of document.querySelectorAll("[data-chat].is-open")) disconnect(place);
  if (hasFocus) openers.get(name).focus();
  keep("");
}

/** What a panel shows of another page of this site, if it does. */
function part(name) {
  const place = panes.get(name).querySelector("[data-from]");
  if (place && !parts.has(name)) parts.set(name, new Fetched(place));
  return parts.get(name);
}

function connect(place) {
  if (!place || place.querySelector("iframe")) return;
  const frame = document.createElement("iframe");
  frame.title = place.dataset.title;
  frame.sandbox = MAY;
  frame.referrerPolicy = "no-referrer";
  frame.src = place.dataset.chat;
  place.classList.add("is-open");
  place.append(frame);
}

function disconnect(place) {
  place.querySelector("iframe").remove();
  place.classList.remove("is-open");
}

function keep(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Some browsers keep nothing.
  }
}

function kept() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-closes]")) close();
  const connects = target.closest("[data-connects]");
  if (connects) {
    const place = connects.closest("[data-chat]");
    connect(place);
    place.closest(".pane").focus({ preventScroll: true });
  }
  const formats = document.querySelector(".formats[open]");
  if (formats && !formats.contains(target)) formats.open = false;
});

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.key !== "Escape" || event.defaultPrevented || document.fullscreenElement || target.closest("dialog")) return;
  const formats = target.closest(".formats[open]");
  if (isOn()) switchTheatre(false);
  else if (formats) {
    formats.open = false;
    formats.querySelector("summary").focus();
  } else if (shown) close();
});

document.addEventListener("exchanged", ({ detail }) => { if (detail === main) setUp(); });
setUp();
