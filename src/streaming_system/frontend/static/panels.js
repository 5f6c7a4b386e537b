// Panels beside the player: chat, posts, schedule. They never move the player. The chat is another site's page: it is
// loaded when the viewer opens its panel, and removed when the viewer closes it.

import { showCurrentTalk } from "./current-talk.js";
import { PolledFragment } from "./polled-fragment.js";
import { isTheatreOn, toggleTheatre } from "./theatre.js";

const KEY = "panel";
// From this width a panel is beside the picture; room.css has the same value.
const WIDE = matchMedia("(min-width: 1000px)");
// After this time a chat counts as unreachable.
const CHAT_TIMEOUT = 10000;
// What web clients of chats need. Their own origin gives them no access to this site.
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox";

const main = document.getElementById("content");
let panels = new Map();
let buttons = new Map();
const fragments = new Map();
let openName = null;

/** Find the panels of the current room; other pages have none. */
function setUp() {
  for (const fragment of fragments.values()) fragment.stop();
  fragments.clear();
  openName = null;
  main.classList.remove("has-pane");
  panels = new Map([...main.querySelectorAll("[data-pane]")].map((panel) => [panel.dataset.pane, panel]));
  buttons = new Map([...main.querySelectorAll("[data-opens]")].map((link) => [link.dataset.opens, replaceWithButton(link)]));
  // On a phone a restored panel would hide the room.
  if (WIDE.matches && panels.has(storedName())) open(storedName());
}

/** Replace a link, which works without scripts, with a button for the panel. */
function replaceWithButton(link) {
  const button = document.createElement("button");
  const name = link.dataset.opens;
  button.type = "button";
  button.className = link.className;
  button.append(...link.childNodes);
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", panels.get(name).id);
  button.addEventListener("click", () => {
    button.closest("[data-menu]")?.removeAttribute("open");
    if (openName === name) close();
    else openForViewer(name);
  });
  link.replaceWith(button);
  return button;
}

/** Open a panel that the viewer has chosen: connect its chat, move the focus, store the choice. */
function openForViewer(name) {
  open(name);
  const panel = panels.get(name);
  connectChat(panel.querySelector("[data-chat]"));
  panel.focus({ preventScroll: true });
  if (!WIDE.matches) panel.scrollIntoView({ block: "start" });
  storeName(name);
}

function open(name) {
  if (openName) hide(openName);
  openName = name;
  panels.get(name).hidden = false;
  buttons.get(name).setAttribute("aria-expanded", "true");
  main.classList.add("has-pane");
  fragmentOf(name)?.start();
}

function hide(name) {
  panels.get(name).hidden = true;
  buttons.get(name).setAttribute("aria-expanded", "false");
  fragmentOf(name)?.stop();
}

function close() {
  const name = openName;
  const hasFocus = panels.get(name).contains(document.activeElement);
  hide(name);
  openName = null;
  main.classList.remove("has-pane");
  for (const chat of document.querySelectorAll("[data-chat].is-open")) disconnectChat(chat);
  if (hasFocus) buttons.get(name).focus();
  storeName("");
}

/** Return the fragment of another page of this site that a panel shows, if any. */
function fragmentOf(name) {
  const container = panels.get(name).querySelector("[data-from]");
  if (container && !fragments.has(name)) fragments.set(name, new PolledFragment(container));
  return fragments.get(name);
}

function connectChat(chat) {
  if (!chat || chat.querySelector("iframe")) return;
  const frame = document.createElement("iframe");
  frame.title = chat.dataset.title;
  frame.sandbox = SANDBOX;
  frame.referrerPolicy = "no-referrer";
  frame.src = chat.dataset.chat;
  chat.querySelector("[data-unreachable]").hidden = true;
  chat.classList.add("is-open");
  chat.append(frame);
  checkChat(chat, frame);
}

/** Show a message of ours if the chat cannot be reached: a frame has no event for that, and shows an error of the browser. */
async function checkChat(chat, frame) {
  try {
    await fetch(frame.src, { method: "HEAD", mode: "no-cors", credentials: "omit", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(CHAT_TIMEOUT) });
  } catch {
    if (!frame.isConnected) return;
    disconnectChat(chat);
    chat.querySelector("[data-unreachable]").hidden = false;
  }
}

function disconnectChat(chat) {
  chat.querySelector("iframe").remove();
  chat.classList.remove("is-open");
}

function storeName(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // The browser has no storage for this site.
  }
}

function storedName() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

document.addEventListener("click", (event) => {
  const { target } = event;
  if (target.closest("[data-closes]")) close();
  const connectButton = target.closest("[data-connects]");
  if (connectButton) {
    const chat = connectButton.closest("[data-chat]");
    connectChat(chat);
    chat.closest(".pane").focus({ preventScroll: true });
  }
  for (const menu of document.querySelectorAll("[data-menu][open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const { target } = event;
  if (event.key !== "Escape" || event.defaultPrevented || document.fullscreenElement || target.closest("dialog")) return;
  const menu = target.closest("[data-menu][open]");
  if (isTheatreOn()) toggleTheatre(false);
  else if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (openName) close();
});

document.addEventListener("fragment-updated", ({ target }) => showCurrentTalk(target));
document.addEventListener("content-replaced", ({ detail }) => { if (detail === main) setUp(); });
setUp();
