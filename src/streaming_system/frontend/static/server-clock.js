// The server's time. Cached pages cannot contain it, and a viewer's clock may be wrong. Every response has a Date
// header; a page that needs the time at once sends a request.

const MAX_SKEW_MS = 5000;

const pageTime = document.body.dataset.now;
let offset = pageTime ? Date.parse(pageTime) - Date.now() : 0;

export function now() {
  return Date.now() + offset;
}

/** Set the clock from a response that has just arrived; return whether its Date header is readable. */
export function syncFromResponse(response, requestedAt) {
  // With ?delta= the page contains the time.
  if (pageTime) return true;
  const date = Date.parse(response.headers.get("Date"));
  if (Number.isNaN(date)) return false;
  // Age is the time that the response spent in a cache.
  const skew = date + 1000 * (Number(response.headers.get("Age")) || 0) - (requestedAt + Date.now()) / 2;
  offset = Math.abs(skew) > MAX_SKEW_MS ? skew : 0;
  return true;
}

/** Set the clock by a request of its own. Without a network the viewer's clock is used. */
export async function syncClock() {
  if (pageTime) return;
  try {
    const requestedAt = Date.now();
    syncFromResponse(await fetch(location.href, { method: "HEAD", cache: "no-store" }), requestedAt);
  } catch {
    // Offline: keep the viewer's own clock.
  }
}
