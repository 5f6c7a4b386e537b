// Service worker: caches the last schedule and an offline page. It caches nothing live, and handles only pages and their
// files. The server puts SITE before this script.

// A site and its conferences have a worker each, and share the caches of their origin.
const OWN_PREFIX = `${SITE.home} `;
const FILE_CACHE = `${OWN_PREFIX}files-${SITE.version}`;
const PAGE_CACHE = `${OWN_PREFIX}pages`;
// What the pages leave for notifications (reminders.js).
const REMINDER_CACHE = `${OWN_PREFIX}reminders`;
const MAX_PAGES = 12;
const WHOLE_SCHEDULE = `${SITE.schedule}?day=all`;
// Pages vary by language, which stays the same for a browser.
const IGNORE_VARY = { ignoreVary: true };
// URLs of the files that a page needs for its appearance, such as a theme's style.
const RESOURCE = /<(?:link [^>]*rel="(?:stylesheet|icon)"[^>]*href|script [^>]*src|img [^>]*src)="([^"]+)"/g;

self.addEventListener("install", (event) => {
  event.waitUntil(precache().then(() => self.skipWaiting()));
});

// There is no clients.claim(): browsers lose the beacon that a page sends on unload (the player's end report) if they
// hand the page over to a new worker at that moment.
self.addEventListener("activate", (event) => {
  event.waitUntil(deleteOldCaches());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || request.headers.has("range")) return;
  if (request.mode === "navigate") return event.respondWith(respondToNavigation(event));
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || pathname.startsWith(SITE.tracker)) return;
  if (pathname.startsWith(SITE.static)) event.respondWith(cacheFirst(request));
  else if (["style", "script", "image", "font"].includes(request.destination)) event.respondWith(networkFirst(request));
});

self.addEventListener("push", (event) => {
  event.waitUntil(notify(event.data));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(openPage(event.notification.data));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renewSubscription(event.newSubscription));
});

/** Cache the offline page and its files; the installation fails without them. */
async function precache() {
  const cache = await caches.open(FILE_CACHE);
  const response = await fetch(SITE.offline, { cache: "no-cache" });
  if (!response.ok) throw new Error(response.status);
  await cache.put(SITE.offline, response.clone());
  await cache.addAll(SITE.files);
  await cacheResources(await response.text());
}

/** Delete the caches of other versions, also of those that had no prefix, and let the browser fetch a page while it starts the worker. */
async function deleteOldCaches() {
  const others = (await caches.keys()).filter((name) =>
    ![FILE_CACHE, PAGE_CACHE, REMINDER_CACHE].includes(name) && (name.startsWith(OWN_PREFIX) || !name.startsWith("/")));
  await Promise.all(others.map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
}

async function cacheResources(html) {
  const cache = await caches.open(FILE_CACHE);
  const urls = [...html.matchAll(RESOURCE)].map(([, address]) => new URL(address.replaceAll("&amp;", "&"), location.href));
  await Promise.all(urls.filter(({ origin }) => origin === location.origin).map(async ({ href }) => {
    if (await cache.match(href, IGNORE_VARY)) return;
    const response = await fetch(href).catch(() => null);
    if (response?.status === 200) await cache.put(href, response);
  }));
}

/** Respond with a versioned file, which never changes. */
async function cacheFirst(request) {
  const cache = await caches.open(FILE_CACHE);
  const cached = await cache.match(request, IGNORE_VARY);
  if (cached) return cached;
  const response = await fetch(request);
  if (response.status === 200) await cache.put(request, response.clone());
  return response;
}

/** Respond with any other file of a page: from the network, else from the cache. */
async function networkFirst(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const cached = await caches.match(request, IGNORE_VARY);
    if (cached) return cached;
    throw error;
  }
}

async function respondToNavigation(event) {
  const { request } = event;
  try {
    const response = (await event.preloadResponse) ?? (await fetch(request));
    if (response.status === 200 && isSchedule(request.url)) event.waitUntil(cacheSchedule(request, response.clone()));
    return response;
  } catch {
    return (await findCachedPage(request)) ?? caches.match(SITE.offline, IGNORE_VARY);
  }
}

/** Whether an address is the schedule of all rooms or of one. Search results are not cached. */
function isSchedule(address) {
  const { pathname, searchParams } = new URL(address);
  return pathname.startsWith(SITE.home) && pathname.endsWith("/schedule") && !searchParams.has("q");
}

async function cacheSchedule(request, response) {
  const cache = await caches.open(PAGE_CACHE);
  const html = await response.clone().text();
  await cachePage(cache, request, response);
  // A viewer of one day may need the other days offline.
  const whole = await fetch(WHOLE_SCHEDULE).catch(() => null);
  if (whole?.status === 200) await cachePage(cache, WHOLE_SCHEDULE, whole);
  await cacheResources(html);
}

/** Store a page as the newest entry, and evict the oldest entries. */
async function cachePage(cache, request, response) {
  await cache.delete(request, IGNORE_VARY);
  await cache.put(request, response);
  const entries = await cache.keys();
  await Promise.all(entries.slice(0, -MAX_PAGES).map((oldest) => cache.delete(oldest, IGNORE_VARY)));
}

/** Return the cached page; for one day's schedule also the page of all days. */
async function findCachedPage(request) {
  const cache = await caches.open(PAGE_CACHE);
  const page = await cache.match(request, IGNORE_VARY);
  if (page || new URL(request.url).pathname !== SITE.schedule) return page;
  return cache.match(WHOLE_SCHEDULE, IGNORE_VARY);
}

/** Return what the pages have left: the reminders, the tracker's address, and the texts in the viewer's language. */
async function loadReminders() {
  const response = await caches.match(`${SITE.home}reminders`, { cacheName: REMINDER_CACHE });
  return response ? response.json() : null;
}

/** Show a notification. Browsers withdraw the permission from sites that do not show one for each message. */
async function notify(data) {
  const { kind = "", title = SITE.title, room = "", path = "", start } = readMessage(data);
  const { language, live = "The stream has started." } = (await loadReminders()) ?? {};
  const time = start ? new Date(start).toLocaleTimeString(language, { hour: "numeric", minute: "2-digit" }) : "";
  await self.registration.showNotification(title, {
    body: kind === "talk" ? `${time} · ${room}` : live,
    icon: SITE.icon,
    lang: language ?? "",
    tag: `${kind} ${title}`,
    renotify: true,
    data: `${SITE.home}${path}`,
  });
}

function readMessage(data) {
  try {
    return data.json();
  } catch {
    return {};
  }
}

/** Show the page that already has an address, or open it. */
async function openPage(path) {
  const { href, pathname } = new URL(path, location.origin);
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const open = windows.find(({ url }) => new URL(url).pathname === pathname);
  await (open ? open.focus() : self.clients.openWindow(href));
}

/** Send the reminders with the new address after the push service has changed it. */
async function renewSubscription(subscription) {
  const reminders = await loadReminders();
  if (!reminders) return;
  const { address, talks, rooms } = reminders;
  const { key } = await (await fetch(`${address}/push-key`, { credentials: "omit" })).json();
  const renewed = subscription ?? (await self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }));
  const { endpoint, keys } = renewed.toJSON();
  await fetch(`${address}/reminders`, {
    method: "PUT", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ endpoint, keys, talks, rooms }),
  });
}
