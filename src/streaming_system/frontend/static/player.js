// Starts a room's player. The code for streams is loaded only where there is a stream; external players (YouTube, or any
// page that the configuration names) only when the viewer opens them.

import { t } from "./i18n.js";
import { updateCountdowns } from "./player/countdown.js";

const SECOND = 1000;
const YOUTUBE = "https://www.youtube-nocookie.com/embed/";

// Stages that already have a player; the page replaces stages one by one.
const mounted = new WeakSet();
const players = new WeakMap();
// The sites whose player the viewer has opened in this room. The next source of the same site starts by itself.
const consent = { room: "", origins: new Set() };

async function mount() {
  const stage = document.querySelector(".stage");
  if (!stage || mounted.has(stage)) return;
  mounted.add(stage);
  const link = stage.querySelector("[data-youtube], [data-frame]");
  if (link && stage.dataset.room === consent.room && consent.origins.has(originOf(link))) return openEmbed(stage, link);
  if (!stage.querySelector("video[data-playback]")) return;
  const { RoomPlayer } = await import("./player/room-player.js");
  // The page may have replaced the stage during the import.
  if (stage.isConnected) players.set(stage, new RoomPlayer(stage));
}

function originOf(link) {
  return new URL(link.dataset.frame ?? YOUTUBE).origin;
}

function openEmbed(stage, link) {
  if (stage.dataset.room !== consent.room) Object.assign(consent, { room: stage.dataset.room, origins: new Set() });
  consent.origins.add(originOf(link));
  if (link.dataset.frame) embed(stage, link.dataset.frame, new URL(link.dataset.frame).hostname, "");
  else embed(stage, `${YOUTUBE}${encodeURIComponent(link.dataset.youtube)}?autoplay=1`, "YouTube", "youtube");
}

/** Replace the stage's content with an external player. playback-reporter.js counts its viewers. */
function embed(stage, address, site, endpoint) {
  const frame = document.createElement("iframe");
  frame.src = address;
  frame.title = t("Video on {site}", { site });
  frame.allow = "autoplay; fullscreen; picture-in-picture; encrypted-media";
  // YouTube and others refuse to play without a referrer.
  frame.referrerPolicy = "strict-origin-when-cross-origin";
  Object.assign(frame.dataset, { playback: stage.dataset.reports, endpoint });
  players.get(stage)?.destroy();
  stage.replaceChildren(frame, ...stage.querySelectorAll(".badge"));
  frame.dispatchEvent(new Event("embed-opened"));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-youtube], [data-frame]");
  // With a modifier key the browser opens another tab or window.
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const stage = link.closest(".stage");
  openEmbed(stage, link);
  stage.querySelector("iframe")?.focus();
});
document.addEventListener("content-replaced", () => { updateCountdowns(); mount(); });
setInterval(updateCountdowns, SECOND);
updateCountdowns();
mount();
