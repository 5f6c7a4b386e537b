// Brings a room's stage to life. What plays streams is only loaded where there is a stream, and YouTube only when somebody
// asks for it.

import { countDown } from "./player/countdown.js";
import { t } from "./words.js";

const SECOND = 1000;
const YOUTUBE = "https://www.youtube-nocookie.com/embed/";

async function mount() {
  const stage = document.querySelector(".stage");
  if (!stage?.querySelector("video[data-playback]")) return;
  const { Room } = await import("./player/room.js");
  // The page may have exchanged it while we loaded.
  if (stage.isConnected) new Room(stage);
}

/** Put a video of YouTube's in the place of what leads to it. */
export function showYouTube(stage, id) {
  const frame = document.createElement("iframe");
  frame.src = `${YOUTUBE}${encodeURIComponent(id)}?autoplay=1`;
  frame.title = t("Video on YouTube");
  frame.allow = "autoplay; fullscreen; picture-in-picture; encrypted-media";
  // YouTube plays nothing for a page that does not say which site it is.
  frame.referrerPolicy = "strict-origin-when-cross-origin";
  stage.querySelector(".stage-state, .player-says")?.replaceWith(frame);
  frame.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-youtube]");
  // Whoever wants it in another tab gets it there.
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  showYouTube(link.closest(".stage"), link.dataset.youtube);
});
document.addEventListener("exchanged", () => { countDown(); mount(); });
setInterval(countDown, SECOND);
countDown();
mount();
