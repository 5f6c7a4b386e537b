// How long it is until a talk begins.

import { now } from "../clock.js";
import { t } from "../words.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Return the time until a moment in words, such as "4:05"; nothing if it has come, or is none. */
export function timeUntil(moment) {
  const seconds = Math.ceil((Date.parse(moment) - now()) / 1000);
  if (!(seconds > 0)) return "";
  const two = (number) => String(number).padStart(2, "0");
  const [days, hours, minutes] = [Math.floor(seconds / DAY), Math.floor((seconds % DAY) / HOUR), Math.floor((seconds % HOUR) / MINUTE)];
  if (days > 0) return t("{days} d {hours} h", { days, hours });
  if (hours > 0) return t("{hours} h {minutes} min", { hours, minutes: two(minutes) });
  return `${minutes}:${two(seconds % MINUTE)}`;
}

/** Fill what counts down on a page that has nothing to play yet. */
export function countDown() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const time = timeUntil(element.dataset.countdown);
    element.hidden = time === "";
    element.textContent = time && t("It starts in {time}.", { time });
  }
}
