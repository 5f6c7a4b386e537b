// The index: counts down to what begins, and shows what the rooms look like.

import { now } from "./clock.js";
import { n, t } from "./words.js";

const SECOND = 1000;
const NEW_PICTURE_EVERY = 30_000;

function inWords(milliseconds) {
  const seconds = Math.max(0, Math.ceil(milliseconds / SECOND));
  if (seconds < 3600) return t("{minutes} min {seconds} s", { minutes: Math.floor(seconds / 60), seconds: seconds % 60 });
  const all = Math.ceil(seconds / 60);
  const [days, hours, minutes] = [Math.floor(all / 1440), Math.floor(all / 60) % 24, all % 60];
  if (days === 0) return t("{hours} h {minutes} min", { hours, minutes });
  return n("{count} day {hours} h {minutes} min", "{count} days {hours} h {minutes} min", days, { hours, minutes });
}

function count() {
  if (document.hidden) return;
  for (const place of document.querySelectorAll("[data-countdown]")) {
    const words = inWords(Date.parse(place.dataset.countdown) - now());
    if (place.textContent !== words) place.textContent = words;
  }
}

// Only pictures that somebody sees are asked for again.
const seen = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting) seen.add(target);
    else seen.delete(target);
  }
});

function watch() {
  watcher.disconnect();
  seen.clear();
  for (const picture of document.querySelectorAll("img[data-preview]")) watcher.observe(picture);
}

function renewAll() {
  if (!document.hidden) seen.forEach(renew);
}

/** Show the new picture once it is there, so that nothing flickers; where there is none, the old one stays. */
async function renew(picture) {
  const address = new URL(picture.currentSrc || picture.src);
  // Everybody asks for the same address, which a cache in front of the site answers.
  address.searchParams.set("at", Math.floor(now() / NEW_PICTURE_EVERY));
  const fresh = new Image();
  fresh.src = address;
  try {
    await fresh.decode();
  } catch {
    return;
  }
  picture.parentElement.querySelectorAll("source").forEach((source) => source.remove());
  picture.src = address;
}

setInterval(count, SECOND);
setInterval(renewAll, NEW_PICTURE_EVERY);
document.addEventListener("exchanged", watch);
document.addEventListener("visibilitychange", count);
watch();
count();
