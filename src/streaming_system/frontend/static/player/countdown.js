// Countdowns to the start of a talk.

import { t } from "../i18n.js";
import { now } from "../server-clock.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Return the time until a moment as text, such as "4:05"; "" if the moment is past or invalid. */
export function timeUntil(moment) {
  const seconds = Math.ceil((Date.parse(moment) - now()) / 1000);
  if (!(seconds > 0)) return "";
  const pad = (number) => String(number).padStart(2, "0");
  const [days, hours, minutes] = [Math.floor(seconds / DAY), Math.floor((seconds % DAY) / HOUR), Math.floor((seconds % HOUR) / MINUTE)];
  if (days > 0) return t("{days} d {hours} h", { days, hours });
  if (hours > 0) return t("{hours} h {minutes} min", { hours, minutes: pad(minutes) });
  return `${minutes}:${pad(seconds % MINUTE)}`;
}

/** Update the countdowns of a page that has nothing to play yet. */
export function updateCountdowns() {
  for (const element of document.querySelectorAll("[data-countdown]")) {
    const time = timeUntil(element.dataset.countdown);
    element.hidden = time === "";
    element.textContent = time && t("Starts in {time}.", { time });
  }
}
