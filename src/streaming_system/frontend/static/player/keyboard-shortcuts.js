// The player's keys. They hold while nothing else on the page has the focus, or something of the stage has it, and can be
// turned off: whoever speaks to their computer types letters by accident.

import { t } from "../words.js";
import { remembered } from "./choices.js";

const TYPES = "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]";
const PRESSES = "button, a, summary, [type=checkbox]";

/** Each key, and what it does. */
export function keys() {
  return [
    [t("Space or k"), t("play or pause")],
    [t("j and l"), t("10 seconds back and forward")],
    [t("← and →"), t("5 seconds back and forward")],
    [t("↑ and ↓"), t("louder and quieter")],
    ["m", t("sound off or on")],
    ["c", t("subtitles on or off")],
    ["f", t("full screen")],
    ["t", t("theatre mode")],
    ["p", t("picture in picture")],
    ["?", t("this list")],
  ];
}

export function listen(stage, room, signal) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !remembered().keys) return;
    const nowhere = target === document.body || target.id === "content";
    if ((!nowhere && !stage.contains(target)) || target.closest(TYPES) || target.closest("dialog")) return;
    if (key === " " && target.closest(PRESSES)) return;
    if (key.startsWith("Arrow")) {
      // Sliders have their own use for them, and a page without focus in the player scrolls.
      if (nowhere && /Up|Down/.test(key)) return;
      if (target.closest("[type=range]")) return;
    }
    if (room.press(key.length === 1 ? key.toLowerCase() : key)) event.preventDefault();
  }, { signal });
}
