// What time it is at the server. Pages that browsers keep cannot say it, and a viewer's clock may be wrong.

const WRONG_FROM = 5000;

const told = document.body.dataset.now;
let offset = told ? Date.parse(told) - Date.now() : 0;

export function now() {
  return Date.now() + offset;
}

/** Resolves when the clock is as right as it will be. With ?delta= the page says what time it is. */
export const clockIsSet = told ? Promise.resolve() : ask();

async function ask() {
  try {
    const before = Date.now();
    const answer = await fetch(location.href, { method: "HEAD", cache: "no-store" });
    const wrong = Date.parse(answer.headers.get("Date")) - (before + Date.now()) / 2;
    if (Math.abs(wrong) > WRONG_FROM) offset = wrong;
  } catch {
    // Without the network the viewer's own clock has to do.
  }
}
