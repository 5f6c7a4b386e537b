// The index: counts down to the next talks, and updates the thumbnails of the rooms.

import { n, t } from "./i18n.js";
import { now } from "./server-clock.js";

const SECOND = 1000;
const THUMBNAIL_INTERVAL = 30_000;

function formatDuration(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / SECOND));
  if (seconds < 3600) return t("{minutes} min {seconds} s", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
  const total = Math.ceil(seconds / 60);
  const [days, hours, minutes] = [Math.floor(total / 1440), Math.floor(total / 60) % 24, total % 60];
  if (days === 0) return t("{hours} h {minutes} min", { hours, minutes });
  return n("{count} day {hours} h {minutes} min", "{count} days {hours} h {minutes} min", days, { hours, minutes });
}

function updateCountdowns() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const text = formatDuration(Date.parse(element.dataset.countdown) - now());
    if (element.textContent !== text) element.textContent = text;
  }
}

// Only visible thumbnails are fetched again.
const visible = new Set();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) visible.add(target);
    else visible.delete(target);
  }
});

function observeThumbnails() {
  observer.disconnect();
  visible.clear();
  for (const image of document.querySelectorAll("img[data-preview]")) observer.observe(image);
}

function updateThumbnails() {
  if (!document.hidden) visible.forEach(updateThumbnail);
}

/** Show when a thumbnail was taken, unless it is recent: the stream may run on without its agent. */
function showAge(image, taken) {
  const minutes = Math.round((now() - taken) / 60_000);
  const picture = image.closest(".picture");
  picture.querySelector(".age")?.remove();
  if (!(minutes > 1)) return;
  const age = document.createElement("span");
  age.className = "age";
  age.textContent = t("{minutes} min ago", { minutes });
  picture.append(age);
}

/** Decode the new thumbnail before it replaces the old one, to avoid flicker; the old one stays if there is none. */
async function updateThumbnail(image) {
  const address = new URL(image.currentSrc || image.src);
  // All viewers use the same address, so that a cache in front of the site can respond.
  address.searchParams.set("at", Math.floor(now() / THUMBNAIL_INTERVAL));
  const fresh = new Image();
  fresh.src = address;
  let taken = NaN;
  try {
    await fresh.decode();
    // The browser has just cached the image.
    taken = Date.parse((await fetch(address, { cache: "force-cache" })).headers.get("Last-Modified"));
  } catch {
    return;
  }
  showAge(image, taken);
  image.parentElement.querySelectorAll("source").forEach((source) => source.remove());
  image.src = address;
}

setInterval(updateCountdowns, SECOND);
setInterval(updateThumbnails, THUMBNAIL_INTERVAL);
document.addEventListener("content-replaced", observeThumbnails);
document.addEventListener("visibilitychange", updateCountdowns);
observeThumbnails();
updateCountdowns();
