// Shows times in the viewer's zone or in the event's. The choice is remembered.

const KEY = "zone";
const language = document.documentElement.lang;
const viewerZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

function formatter(options) {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { hourCycle: "h23", ...options });
}

const clock = formatter({ hour: "2-digit", minute: "2-digit" });
const weekday = formatter({ weekday: "short" });
const full = formatter({ weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });

export const viewerZoneName = viewerZone;

export function wantsViewerZone() {
  try {
    return localStorage.getItem(KEY) === "viewer";
  } catch {
    return false;
  }
}

export function remember(viewer) {
  try {
    localStorage.setItem(KEY, viewer ? "viewer" : "event");
  } catch {
    // The choice lasts as long as the page.
  }
}

/** Whether the viewer's clock shows something else than the event's, which a time is written by. */
export function differs(time) {
  const moment = new Date(time.dateTime);
  return moment.getHours() * 60 + moment.getMinutes() !== minuteOfDay(time.dateTime);
}

function minuteOfDay(text) {
  const [, hours, minutes] = text.match(/T(\d\d):(\d\d)/);
  return hours * 60 + Number(minutes);
}

/** Show all times within a part of the page in the one zone or the other. */
export function show(part, viewer) {
  for (const time of part.querySelectorAll("time")) {
    time.dataset.event ??= time.textContent;
    time.textContent = viewer ? inViewerZone(time.dateTime) : time.dataset.event;
  }
}

/** The time, with the day where the viewer has another one than the event. */
function inViewerZone(text) {
  const moment = new Date(text);
  const here = clock.format(moment);
  const there = new Date(`${text.slice(0, 10)}T12:00`);
  const sameDay = moment.toLocaleDateString() === there.toLocaleDateString();
  return sameDay ? here : `${weekday.format(moment)} ${here}`;
}

export function inFull(moment) {
  return full.format(moment);
}

export function clockTime(moment, zone) {
  return zone ? formatter({ hour: "2-digit", minute: "2-digit", timeZone: zone }).format(moment) : clock.format(moment);
}
