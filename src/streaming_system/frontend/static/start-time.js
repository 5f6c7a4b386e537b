// Positions in links: `?t=` is a time (UTC) for a live stream, and seconds for a recording: `754`, or `2:754` for its second part.

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)$/;
const SECONDS = /^(?:([1-9]\d?):)?(\d{1,6})$/;

const sources = new WeakMap();

/** Register the function that returns the position of a stage's player as `{value, label}`, or null. */
export function announcePosition(stage, describe) {
  sources.set(stage, describe);
}

/** Return the position of the page's player for a link, and as text; null without one. */
export function currentPosition() {
  return sources.get(document.querySelector(".stage"))?.() ?? null;
}

/** Return an address with a start position. */
export function addPosition(address, value) {
  const url = new URL(address);
  url.searchParams.set("t", value);
  return url.href.replaceAll("%3A", ":");
}

function parameter() {
  // A plus sign in a query is a space.
  return (new URLSearchParams(location.search).get("t") ?? "").trim().replace(" ", "+");
}

/** Return the time of the page's address, in milliseconds since 1970; null if it has none. */
export function requestedTime() {
  const time = TIME.test(parameter()) ? Date.parse(parameter()) : NaN;
  return Number.isNaN(time) ? null : time;
}

/** Return the part (from 0) and the seconds of the page's address; null if it has none. */
export function requestedSeconds() {
  const match = SECONDS.exec(parameter());
  return match ? { part: Number(match[1] ?? 1) - 1, seconds: Number(match[2]) } : null;
}
