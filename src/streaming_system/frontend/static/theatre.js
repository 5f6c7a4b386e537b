// The theatre: nothing but the picture, until this tab is closed or somebody leaves it. The player's key asks for it by the
// event "theatre" on the document.

const KEY = "theatre";
const IDLE_AFTER = 3000;

const page = document.documentElement;
const main = document.getElementById("content");
let enter;
let leave;
let cameByButton = false;
let idle;

export function isOn() {
  return page.classList.contains("theatre");
}

/** Take hold of the buttons of the room that the page shows; a page may have none. */
function setUp() {
  [enter, leave] = [".room-actions [data-theatre]", ".theatre-leave"].map((place) => main.querySelector(place));
  if (!enter) return;
  enter.hidden = false;
  enter.setAttribute("aria-pressed", String(isOn()));
  leave.hidden = !isOn();
}

export function switchTheatre(on = !isOn()) {
  if (!enter) return;
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
  if (on && cameByButton) main.focus({ preventScroll: true });
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

document.addEventListener("click", ({ target }) => { if (target.closest("[data-theatre]")) switchTheatre(); });
document.addEventListener("theatre", () => switchTheatre());
for (const name of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(name, stir);
document.addEventListener("exchanged", ({ detail }) => { if (detail === main) setUp(); });
setUp();
if (wasOn()) switchTheatre(true);
