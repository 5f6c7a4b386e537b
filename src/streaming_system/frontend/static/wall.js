// The wall of rooms: a muted player in each tile, one of which can have the sound, and the keys.

import { loadPreferences } from "./player/preferences.js";
import { TilePlayer } from "./player/tile-player.js";

const SOUND_BUTTON = ".tile-sound";
const TEXT_FIELDS = "input, textarea, select, [contenteditable], dialog";

const wall = document.querySelector(".wall");
const players = new Map();

// Tiles that are not in the window do not load.
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) players.get(target)?.supervisor.setOnScreen(isIntersecting);
});

/** Start players in stages that have none; the page replaces stages one by one. */
function mount() {
  for (const stage of players.keys()) if (!stage.isConnected) forget(stage);
  for (const stage of wall.querySelectorAll(".stage")) {
    if (players.has(stage) || !stage.querySelector("video")) continue;
    players.set(stage, new TilePlayer(stage));
    observer.observe(stage);
  }
}

function forget(stage) {
  observer.unobserve(stage);
  players.delete(stage);
}

const tiles = () => [...wall.querySelectorAll(".tile")];
const focusedTile = () => document.activeElement?.closest(".tile");

/** Move the focus to the next tile in a direction. */
function moveFocus(key) {
  const all = tiles();
  const columns = getComputedStyle(wall).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
  const isMirrored = getComputedStyle(wall).direction === "rtl" && Math.abs(step) === 1 && columns > 1;
  const current = all.indexOf(focusedTile());
  const target = current < 0 ? all[0] : all[current + (isMirrored ? -step : step)];
  (target?.querySelector(SOUND_BUTTON) ?? target?.querySelector("a"))?.focus();
}

function pressNumber(number) {
  const button = tiles()[number - 1]?.querySelector(SOUND_BUTTON);
  button?.focus();
  button?.click();
}

async function toggleFullscreen(element) {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await element.requestFullscreen?.().catch(() => {});
}

/** Perform the action of a key; return whether it has one. */
function handleKey(key) {
  if (key.startsWith("Arrow")) moveFocus(key);
  else if (/^[1-9]$/.test(key)) pressNumber(Number(key));
  else if (key === "f") toggleFullscreen(focusedTile() ?? wall);
  else if (key === "m") for (const { video } of players.values()) video.muted = true;
  else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  const { target, key } = event;
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !loadPreferences().keys) return;
  if (target.closest(TEXT_FIELDS) || (target !== document.body && target.id !== "content" && !wall.contains(target))) return;
  if (handleKey(key.length === 1 ? key.toLowerCase() : key)) event.preventDefault();
});
wall.addEventListener("tile-audible", ({ target }) => {
  for (const [stage, { video }] of players) if (stage !== target) video.muted = true;
});
const fullscreenButton = document.querySelector("[data-wall-fullscreen]");
fullscreenButton.hidden = !document.fullscreenEnabled;
fullscreenButton.onclick = () => toggleFullscreen(wall);
document.addEventListener("content-replaced", mount);
mount();
