// The player's keyboard shortcuts. They work while the stage has the focus, or no control has it. The viewer can turn them
// off, for example when using speech input, which may type letters.

import { t } from "../i18n.js";
import { loadPreferences } from "./preferences.js";

const TEXT_FIELDS = "input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]";
const PRESSABLE = "button, a, summary, [type=checkbox]";

/** Return the keys and what they do, translated. */
export function describeShortcuts() {
  return [
    [t("Space or k"), t("play or pause")],
    [t("j and l"), t("10 seconds back and forward")],
    [t("← and →"), t("5 seconds back and forward")],
    [t("↑ and ↓"), t("volume up and down")],
    ["m", t("mute or unmute")],
    ["c", t("subtitles on or off")],
    ["f", t("full screen")],
    ["t", t("theatre mode")],
    ["p", t("picture in picture")],
    ["?", t("this list")],
  ];
}

export function listenForShortcuts(stage, player, signal) {
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !loadPreferences().keys) return;
    const isUnfocused = target === document.body || target.id === "content";
    if ((!isUnfocused && !stage.contains(target)) || target.closest(TEXT_FIELDS) || target.closest("dialog")) return;
    if (key === " " && target.closest(PRESSABLE)) return;
    if (key.startsWith("Arrow")) {
      // Sliders use the arrow keys, and up and down scroll the page unless the player has the focus.
      if (isUnfocused && /Up|Down/.test(key)) return;
      if (target.closest("[type=range]")) return;
    }
    if (player.handleKey(key.length === 1 ? key.toLowerCase() : key)) event.preventDefault();
  }, { signal });
}
