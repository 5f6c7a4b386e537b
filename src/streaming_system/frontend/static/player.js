// Brings a room's stage to life. What plays streams is only loaded where there is a stream, and players of others (YouTube, any
// page that the configuration names) only when somebody asks for them.

import { countDown } from "./player/countdown.js";
import { t } from "./words.js";

const SECOND = 1000;
const YOUTUBE = "https://www.youtube-nocookie.com/embed/";

// Parts of the page are exchanged one by one; a stage gets one player.
const mounted = new WeakSet();
const rooms = new WeakMap();
// Whom the viewer has asked for in this room. The next source of the same site then begins by itself.
const agreed = { room: "", origins: new Set() };

async function mount() {
  const stage = document.querySelector(".stage");
  if (!stage || mounted.has(stage)) return;
  mounted.add(stage);
  const link = stage.querySelector("[data-youtube], [data-frame]");
  if (link && stage.dataset.room === agreed.room && agreed.origins.has(originOf(link))) return open(stage, link);
  if (!stage.querySelector("video[data-playback]")) return;
  const { Room } = await import("./player/room.js");
  // The page may have exchanged it while we loaded.
  if (stage.isConnected) rooms.set(stage, new Room(stage));
}

function originOf(link) {
  return new URL(link.dataset.frame ?? YOUTUBE).origin;
}

function open(stage, link) {
  if (stage.dataset.room !== agreed.room) Object.assign(agreed, { room: stage.dataset.room, origins: new Set() });
  agreed.origins.add(originOf(link));
  if (link.dataset.frame) show(stage, link.dataset.frame, new URL(link.dataset.frame).hostname, "");
  else show(stage, `${YOUTUBE}${encodeURIComponent(link.dataset.youtube)}?autoplay=1`, "YouTube", "youtube");
}

/** Put somebody else's player in the place of what leads to it. quality.js counts who has it open. */
function show(stage, address, site, endpoint) {
  const frame = document.createElement("iframe");
  frame.src = address;
  frame.title = t("Video on {site}", { site });
  frame.allow = "autoplay; fullscreen; picture-in-picture; encrypted-media";
  // Some, like YouTube, play nothing for a page that does not say which site it is.
  frame.referrerPolicy = "strict-origin-when-cross-origin";
  Object.assign(frame.dataset, { playback: stage.dataset.reports, endpoint });
  // Our own player does not go on behind it.
  rooms.get(stage)?.leave();
  stage.replaceChildren(frame, ...stage.querySelectorAll(".badge"));
  frame.dispatchEvent(new Event("framed"));
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-youtube], [data-frame]");
  // Whoever wants it in another tab gets it there.
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const stage = link.closest(".stage");
  open(stage, link);
  stage.querySelector("iframe")?.focus();
});
document.addEventListener("exchanged", () => { countDown(); mount(); });
setInterval(countDown, SECOND);
countDown();
mount();
