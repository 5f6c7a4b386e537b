// A talk's page: favourite button, start in the viewer's time zone, and time until the start.

import { favouriteButton } from "./favourites.js";
import { n, t } from "./i18n.js";
import { now, syncClock } from "./server-clock.js";
import { formatFull, isOtherZone, viewerZoneName } from "./timezone.js";

const TICK_INTERVAL = 10_000;
const MINUTE = 60_000;

const article = document.querySelector("[data-talk]");
const title = article.querySelector("h1");
title.after(favouriteButton(article.dataset.talk, title.textContent));

const times = [...article.querySelectorAll(".talk-facts time")];
const viewerTime = article.querySelector("[data-viewer-time]");
if (times.some(isOtherZone)) {
  viewerTime.textContent = t("{time} in your time zone ({place})", { time: formatFull(new Date(times[0].dateTime)), place: viewerZoneName });
  viewerTime.hidden = false;
}

const status = article.querySelector("[data-status]");
const start = Date.parse(status.dataset.start);
const end = Date.parse(status.dataset.end);

function formatDuration(milliseconds) {
  const minutes = Math.ceil(milliseconds / MINUTE);
  if (minutes >= 2880) return n("{count} day", "{count} days", Math.floor(minutes / 1440));
  if (minutes >= 60) return t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  return t("{minutes} min", { minutes });
}

function tick() {
  const moment = now();
  let text = t("Ended");
  if (moment < start) text = t("Starts in {time}", { time: formatDuration(start - moment) });
  else if (moment < end) text = t("On now, {time} left", { time: formatDuration(end - moment) });
  if (text === status.textContent) return;
  status.textContent = text;
  if (moment >= end) status.classList.remove("badge-live");
}

await syncClock();
tick();
setInterval(tick, TICK_INTERVAL);
