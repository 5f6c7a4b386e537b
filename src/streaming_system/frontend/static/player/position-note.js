// A note at the upper edge of the picture about where playback starts, with a button for each choice.

import { make } from "./dom.js";

const NOTE_TIMEOUT = 12000;

/** Show a note until the viewer makes a choice; return a function that removes it. */
export function showNote(stage, text, choices = {}, timeout = NOTE_TIMEOUT) {
  const note = make("div", { className: "player-note" });
  note.setAttribute("role", "status");
  const remove = () => note.remove();
  const buttons = Object.entries(choices).map(([label, action]) =>
    make("button", { type: "button", className: "button", textContent: label, onclick: () => { remove(); action(); } }));
  note.append(...(text ? [make("p", { textContent: text })] : []), ...buttons);
  stage.append(note);
  if (timeout) setTimeout(remove, timeout);
  return remove;
}
