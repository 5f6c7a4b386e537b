// The theatre: nothing but the picture, until this tab is closed or somebody leaves it. The player's key asks for it by the
// event "theatre" on the document.

const KEY = "theatre";
const IDLE_AFTER = 3000;

const page = document.documentElement;
const [enter, leave] = [".room-actions [data-theatre]", ".theatre-leave"].map((place) => document.querySelector(place));
let cameByButton = false;
let idle;

export function isOn() {
  return page.classList.contains("theatre");
}

export function switchTheatre(on = !isOn()) {
  cameByButton = on ? document.activeElement === enter : cameByButton;
  page.classList.toggle("theatre", on);
  enter.setAttribute("aria-pressed", String(on));
  leave.hidden = !on;
  try {
    sessionStorage.setItem(KEY, on ? "on" : "");
  } catch {
    // Then it holds for this page.
  }
  if (on) stir();
  // The player's keys hold where nothing else has the focus.
  if (on && cameByButton) document.getElementById("content").focus({ preventScroll: true });
  if (!on && cameByButton) enter.focus();
}

/** The way out shows while somebody moves. */
function stir() {
  clearTimeout(idle);
  page.classList.remove("is-idle");
  if (isOn()) idle = setTimeout(() => page.classList.add("is-idle"), IDLE_AFTER);
}

function wasOn() {
  try {
    return sessionStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

enter.hidden = false;
for (const button of [enter, leave]) button.addEventListener("click", () => switchTheatre());
document.addEventListener("theatre", () => switchTheatre());
for (const name of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(name, stir);
if (wasOn()) switchTheatre(true);
