// What time it is at the server. Pages that browsers keep cannot say it, and a viewer's clock may be wrong.
// Every answer of the server has its time; a page that needs it at once asks.

const WRONG_FROM = 5000;

const told = document.body.dataset.now;
let offset = told ? Date.parse(told) - Date.now() : 0;

export function now() {
  return Date.now() + offset;
}

/** Take the time from an answer that is just here; tell whether it has one that we may read. */
export function learn(answer, asked) {
  // With ?delta= the page says what time it is.
  if (told) return true;
  const date = Date.parse(answer.headers.get("Date"));
  if (Number.isNaN(date)) return false;
  // A cache may have kept it, and says how long.
  const wrong = date + 1000 * (Number(answer.headers.get("Age")) || 0) - (asked + Date.now()) / 2;
  offset = Math.abs(wrong) > WRONG_FROM ? wrong : 0;
  return true;
}

/** Resolves when the clock is as right as it will be. */
export async function setClock() {
  if (told) return;
  try {
    const asked = Date.now();
    learn(await fetch(location.href, { method: "HEAD", cache: "no-store" }), asked);
  } catch {
    // Without the network the viewer's own clock has to do.
  }
}
