// One talk: its star, its time on the viewer's clock, and how long it is until it starts.

import { now, setClock } from "./clock.js";
import { star } from "./favourites.js";
import { n, t } from "./words.js";
import { differs, inFull, viewerZoneName } from "./zone.js";

const TICK_EVERY = 10_000;
const MINUTE = 60_000;

const article = document.querySelector("[data-talk]");
const title = article.querySelector("h1");
title.after(star(article.dataset.talk, title.textContent));

const times = [...article.querySelectorAll(".talk-facts time")];
const here = article.querySelector("[data-viewer-time]");
if (times.some(differs)) {
  here.textContent = t("{time} where you are ({place})", { time: inFull(new Date(times[0].dateTime)), place: viewerZoneName });
  here.hidden = false;
}

const status = article.querySelector("[data-status]");
const start = Date.parse(status.dataset.start);
const end = Date.parse(status.dataset.end);

function inWords(milliseconds) {
  const minutes = Math.ceil(milliseconds / MINUTE);
  if (minutes >= 2880) return n("{count} day", "{count} days", Math.floor(minutes / 1440));
  if (minutes >= 60) return t("{hours} h {minutes} min", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
  return t("{minutes} min", { minutes });
}

function tick() {
  const moment = now();
  let text = t("Over");
  if (moment < start) text = t("Starts in {time}", { time: inWords(start - moment) });
  else if (moment < end) text = t("On now, {time} left", { time: inWords(end - moment) });
  if (text === status.textContent) return;
  status.textContent = text;
  if (moment >= end) status.classList.remove("badge-live");
}

await setClock();
tick();
setInterval(tick, TICK_EVERY);
