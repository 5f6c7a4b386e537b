// The recording of a talk on its page: the player, or a reload as soon as there is one.

import { now } from "./server-clock.js";

const CHECK_INTERVAL = 20_000;
// The recording arrives soon after the end, or not at all.
const CHECK_UNTIL = 15 * 60_000;

const section = document.querySelector("[data-recording]");
const end = Date.parse(document.querySelector("[data-status]").dataset.end);

/** Reload the page when another one would show a player: this one's policy allows none. */
async function check() {
  if (document.hidden || now() < end) return;
  if (now() > end + CHECK_UNTIL) clearInterval(timer);
  try {
    const response = await fetch(location.href);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (page.querySelector("[data-recording]")?.dataset.recording === "playable") location.reload();
  } catch {
    // Without a network, the next check may succeed.
  }
}

const stage = section.querySelector(".stage");
let timer;
if (stage) {
  const { RecordedPlayer } = await import("./player/recorded-player.js");
  new RecordedPlayer(stage);
} else {
  timer = setInterval(check, CHECK_INTERVAL);
  document.addEventListener("visibilitychange", check);
}
