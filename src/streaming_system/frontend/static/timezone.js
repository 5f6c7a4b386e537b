// Shows times in the viewer's zone or in the event's, and stores the choice.

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

export function prefersViewerZone() {
  try {
    return localStorage.getItem(KEY) === "viewer";
  } catch {
    return false;
  }
}

export function storePreference(viewer) {
  try {
    localStorage.setItem(KEY, viewer ? "viewer" : "event");
  } catch {
    // Without storage the choice applies to this page only.
  }
}

/** Whether the viewer's clock differs from the event's at the moment of a <time>. */
export function isOtherZone(time) {
  const moment = new Date(time.dateTime);
  return moment.getHours() * 60 + moment.getMinutes() !== minuteOfDay(time.dateTime);
}

function minuteOfDay(text) {
  const [, hours, minutes] = text.match(/T(\d\d):(\d\d)/);
  return hours * 60 + Number(minutes);
}

/** Show all times within an element in one zone. */
export function showZone(root, viewer) {
  for (const time of root.querySelectorAll("time")) {
    time.dataset.event ??= time.textContent;
    time.textContent = viewer ? formatInViewerZone(time.dateTime) : time.dataset.event;
  }
}

/** Format a time, with the weekday if the viewer's date differs from the event's. */
function formatInViewerZone(text) {
  const moment = new Date(text);
  const time = clock.format(moment);
  const eventDay = new Date(`${text.slice(0, 10)}T12:00`);
  const isSameDay = moment.toLocaleDateString() === eventDay.toLocaleDateString();
  return isSameDay ? time : `${weekday.format(moment)} ${time}`;
}

export function formatFull(moment) {
  return full.format(moment);
}

export function formatTime(moment, zone) {
  return zone ? formatter({ hour: "2-digit", minute: "2-digit", timeZone: zone }).format(moment) : clock.format(moment);
}
