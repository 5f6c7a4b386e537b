// Reminders of talks, rooms and favourites. The browser sends the whole set to the tracker after each change; the service
// worker (sw.js) shows the notifications.

import { favouriteIds, onChange } from "./favourites.js";
import { t } from "./i18n.js";
import { now } from "./server-clock.js";

const REQUEST_TIMEOUT = 15_000;
const NOTE_DURATION = 8000;
// Several stars in a row are one request.
const FAVOURITES_DELAY = 1500;
// After this time a visit sends the set again: the tracker may have lost it or changed its key.
const MAX_AGE = 24 * 3600 * 1000;
const MAX_TALKS = 300;

const { event } = document.body.dataset;
const KEY = event ? `reminders ${event}` : "reminders";
const NONE = { talks: [], rooms: [], favourites: false, endpoint: "", sentAt: 0 };
const isSupported = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
// On iPhone and iPad, only installed sites have notifications. Only their browsers have this property.
const needsInstallation = !isSupported && navigator.standalone === false;

const note = document.createElement("p");
note.className = "reminder-note";
note.setAttribute("role", "status");
document.body.append(note);

let reminders = load();
// Requests are sent one after the other.
let sending = Promise.resolve();
let noteTimer;
let favouritesTimer;

function load() {
  try {
    const { talks, rooms, favourites, endpoint, sentAt } = { ...NONE, ...JSON.parse(localStorage.getItem(KEY)) };
    if (Array.isArray(talks) && Array.isArray(rooms)) return { talks, rooms, favourites: favourites === true, endpoint, sentAt };
  } catch {
    // There is no storage, or another version has written it.
  }
  return NONE;
}

function store(changed) {
  reminders = changed;
  try {
    localStorage.setItem(KEY, JSON.stringify(changed));
  } catch {
    // Without storage the buttons show the reminders as long as the page.
  }
  update();
}

function isEmpty({ talks, rooms, favourites }) {
  return talks.length === 0 && rooms.length === 0 && !favourites;
}

function isOn({ kind, id }) {
  if (!isSupported || Notification.permission !== "granted") return false;
  return kind === "favourites" ? reminders.favourites : reminders[`${kind}s`].includes(id);
}

/** Show each button that can be used, and whether it is on. */
function update() {
  for (const box of document.querySelectorAll("[data-reminders]")) {
    const hasStarted = box.dataset.starts && Date.parse(box.dataset.starts) <= now();
    box.hidden = hasStarted || !(isSupported || needsInstallation);
    box.querySelector("button").setAttribute("aria-pressed", isOn(box.dataset));
  }
}

function show(message) {
  clearTimeout(noteTimer);
  note.textContent = message;
  noteTimer = setTimeout(() => { note.textContent = ""; }, NOTE_DURATION);
}

/** Return the reminders with one of them turned on or off. */
function change({ kind, id }, wanted) {
  if (kind === "favourites") return { ...reminders, favourites: wanted };
  const others = reminders[`${kind}s`].filter((known) => known !== id);
  return { ...reminders, [`${kind}s`]: wanted ? [...others, id] : others };
}

async function fetchJson(address, options = {}) {
  const response = await fetch(address, { credentials: "omit", signal: AbortSignal.timeout?.(REQUEST_TIMEOUT), ...options });
  if (response.ok) return response.json();
  const { type = "" } = await response.json().catch(() => ({}));
  throw new Error(type.split("#")[1] ?? "");
}

function base64url(buffer) {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Return the browser's subscription for the tracker's key. A browser has one at most, perhaps for an older key. */
async function subscribe({ pushManager }, address) {
  const { key } = await fetchJson(`${address}/push-key`);
  const subscription = await pushManager.getSubscription();
  if (subscription && base64url(subscription.options.applicationServerKey) === key) return subscription;
  await subscription?.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

/** Send a set of reminders, and store it if the tracker has accepted it. */
async function send(wanted) {
  const { reminders: address, prefix } = document.querySelector("[data-reminders]").dataset;
  const registration = await navigator.serviceWorker.ready;
  const isOver = isEmpty(wanted);
  const subscription = isOver ? await registration.pushManager.getSubscription() : await subscribe(registration, address);
  if (!subscription) return store(wanted);
  const { endpoint, keys } = subscription.toJSON();
  const talks = new Set([...wanted.talks, ...(wanted.favourites ? favouriteIds() : [])]);
  const withPrefix = (ids) => [...ids].map((id) => `${prefix}${id}`);
  const body = { endpoint, keys, talks: withPrefix(talks).slice(0, MAX_TALKS), rooms: withPrefix(wanted.rooms) };
  const stored = await fetchJson(`${address}/reminders`, {
    method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  await leaveForWorker(registration, address, body);
  if (isOver) await subscription.unsubscribe();
  // Talks that are over are forgotten.
  const current = wanted.talks.filter((id) => stored.talks.includes(`${prefix}${id}`));
  store({ ...wanted, talks: current, endpoint, sentAt: Date.now() });
}

/** Leave the set and the translated texts where the service worker finds them. */
async function leaveForWorker(registration, address, { talks, rooms }) {
  const { pathname } = new URL(registration.scope);
  const content = { address, talks, rooms, language: document.documentElement.lang, live: t("The stream has started.") };
  const cache = await caches.open(`${pathname} reminders`);
  await cache.put(`${pathname}reminders`, new Response(JSON.stringify(content)));
}

function sendLater(wanted) {
  sending = sending.catch(() => {}).then(() => send(wanted()));
  return sending;
}

async function toggle(box) {
  if (needsInstallation) return show(t("Add this site to the home screen first: Share, then Add to Home Screen."));
  const wanted = !isOn(box);
  try {
    // Browsers ask only right after a click.
    const permission = wanted ? await Notification.requestPermission() : "granted";
    if (permission === "denied") show(t("The browser blocks notifications of this site. Allow them in its settings of this site."));
    if (permission !== "granted") return;
    await sendLater(() => change(box, wanted));
    show(wanted ? t("You will get a notification, also when this page is closed.") : t("There will be no notification."));
  } catch (error) {
    const isUnknown = error.message === "unknown-push-service";
    show(isUnknown ? t("The push service of this browser is not supported.") : t("That did not work. Please try again in a minute."));
  }
}

/** Send the set again if the browser's subscription has changed, or after a day. */
async function renew() {
  if (!isSupported || isEmpty(reminders) || Notification.permission !== "granted") return;
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.getSubscription();
  const isCurrent = subscription?.endpoint === reminders.endpoint && Date.now() - reminders.sentAt < MAX_AGE;
  if (!isCurrent) await sendLater(() => reminders);
}

document.addEventListener("click", ({ target }) => {
  const box = target.closest?.("[data-reminders] button")?.parentElement;
  if (box) toggle({ ...box.dataset });
});
document.addEventListener("content-replaced", update);
addEventListener("storage", ({ key }) => {
  if (key !== KEY && key !== null) return;
  reminders = load();
  update();
});
onChange(() => {
  clearTimeout(favouritesTimer);
  // The tracker gets the favourites of a later visit, too: a failure now is no loss.
  if (reminders.favourites) favouritesTimer = setTimeout(() => sendLater(() => reminders).catch(() => {}), FAVOURITES_DELAY);
});
update();
renew().catch(() => {});
