// Theatre mode: only the picture, until the viewer leaves it or closes the tab. The player's keyboard shortcut sends the
// event "theatre" to the document.

const KEY = "theatre";
const IDLE_TIMEOUT = 3000;

const root = document.documentElement;
const main = document.getElementById("content");
let enterButton;
let leaveButton;
let enteredByButton = false;
let idleTimer;

export function isTheatreOn() {
  return root.classList.contains("theatre");
}

/** Find the buttons of the current room; other pages have none. */
function setUp() {
  [enterButton, leaveButton] = [".room-actions [data-theatre]", ".theatre-leave"].map((selector) => main.querySelector(selector));
  if (!enterButton) return;
  enterButton.hidden = false;
  enterButton.setAttribute("aria-pressed", String(isTheatreOn()));
  leaveButton.hidden = !isTheatreOn();
}

export function toggleTheatre(on = !isTheatreOn()) {
  if (!enterButton) return;
  enteredByButton = on ? document.activeElement === enterButton : enteredByButton;
  root.classList.toggle("theatre", on);
  enterButton.setAttribute("aria-pressed", String(on));
  leaveButton.hidden = !on;
  try {
    sessionStorage.setItem(KEY, on ? "on" : "");
  } catch {
    // Without storage the choice applies to this page only.
  }
  if (on) showLeaveButton();
  // The player's shortcuts require that no control outside of the player has the focus.
  if (on && enteredByButton) main.focus({ preventScroll: true });
  if (!on && enteredByButton) enterButton.focus();
}

/** Show the leave button until the viewer is idle. */
function showLeaveButton() {
  clearTimeout(idleTimer);
  root.classList.remove("is-idle");
  if (isTheatreOn()) idleTimer = setTimeout(() => root.classList.add("is-idle"), IDLE_TIMEOUT);
}

function wasOn() {
  try {
    return sessionStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

document.addEventListener("click", ({ target }) => { if (target.closest("[data-theatre]")) toggleTheatre(); });
document.addEventListener("theatre", () => toggleTheatre());
for (const name of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(name, showLeaveButton);
document.addEventListener("content-replaced", ({ detail }) => { if (detail === main) setUp(); });
setUp();
if (wasOn()) toggleTheatre(true);
