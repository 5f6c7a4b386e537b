// Keeps what can be read without a network: the schedule seen last, and a page that says how it stands.
// Nothing live is ever kept, and only pages and their files are touched. The server puts SITE before this.

const FILES = `files-${SITE.version}`;
const PAGES = "pages";
const MOST_PAGES = 12;
const WHOLE_SCHEDULE = `${SITE.schedule}?day=all`;
// Pages differ by language, which stays the same for a browser.
const ANY = { ignoreVary: true };
// What a page needs to look like itself, such as a theme's style.
const NAMED = /<(?:link [^>]*rel="(?:stylesheet|icon)"[^>]*href|script [^>]*src|img [^>]*src)="([^"]+)"/g;

self.addEventListener("install", (event) => {
  event.waitUntil(prepare().then(() => self.skipWaiting()));
});

// A page that is open stays without us until the next one: browsers lose what a page sends on its way out (the goodbye of its
// player) if it is handed over at that moment.
self.addEventListener("activate", (event) => {
  event.waitUntil(tidy());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || request.headers.has("range")) return;
  if (request.mode === "navigate") return event.respondWith(page(event));
  const { origin, pathname } = new URL(request.url);
  if (origin !== location.origin || pathname.startsWith(SITE.tracker)) return;
  if (pathname.startsWith(SITE.static)) event.respondWith(file(request));
  else if (["style", "script", "image", "font"].includes(request.destination)) event.respondWith(part(request));
});

/** Keep the offline page and all that it names; without that, this version of us is not worth having. */
async function prepare() {
  const cache = await caches.open(FILES);
  const answer = await fetch(SITE.offline, { cache: "no-cache" });
  if (!answer.ok) throw new Error(answer.status);
  await cache.put(SITE.offline, answer.clone());
  await cache.addAll(SITE.files);
  await keepParts(await answer.text());
}

/** Leave nothing of other versions, and let the browser ask for a page while it starts us. */
async function tidy() {
  const others = (await caches.keys()).filter((name) => name !== FILES && name !== PAGES);
  await Promise.all(others.map((name) => caches.delete(name)));
  await self.registration.navigationPreload?.enable();
}

async function keepParts(text) {
  const cache = await caches.open(FILES);
  const named = [...text.matchAll(NAMED)].map(([, address]) => new URL(address.replaceAll("&amp;", "&"), location.href));
  await Promise.all(named.filter(({ origin }) => origin === location.origin).map(async ({ href }) => {
    if (await cache.match(href, ANY)) return;
    const answer = await fetch(href).catch(() => null);
    if (answer?.status === 200) await cache.put(href, answer);
  }));
}

/** A file of this version never changes. */
async function file(request) {
  const cache = await caches.open(FILES);
  const kept = await cache.match(request, ANY);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.status === 200) await cache.put(request, answer.clone());
  return answer;
}

/** Anything else of a page's is asked for; what was kept stands in when there is no network. */
async function part(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await caches.match(request, ANY);
    if (kept) return kept;
    throw error;
  }
}

async function page(event) {
  const { request } = event;
  try {
    const answer = (await event.preloadResponse) ?? (await fetch(request));
    if (answer.status === 200 && isSchedule(request.url)) event.waitUntil(keepSchedule(request, answer.clone()));
    return answer;
  } catch {
    return (await seenBefore(request)) ?? caches.match(SITE.offline, ANY);
  }
}

/** Tell whether an address is the schedule's, of all rooms or of one. What one searches for is not kept. */
function isSchedule(address) {
  const { pathname, searchParams } = new URL(address);
  return pathname.startsWith(SITE.home) && pathname.endsWith("/schedule") && !searchParams.has("q");
}

async function keepSchedule(request, answer) {
  const cache = await caches.open(PAGES);
  const text = await answer.clone().text();
  await keep(cache, request, answer);
  // Whoever looks at one day is glad of the others, too.
  const whole = await fetch(WHOLE_SCHEDULE).catch(() => null);
  if (whole?.status === 200) await keep(cache, WHOLE_SCHEDULE, whole);
  await keepParts(text);
}

/** Keep a page as the newest, and forget the oldest. */
async function keep(cache, request, answer) {
  await cache.delete(request, ANY);
  await cache.put(request, answer);
  const kept = await cache.keys();
  await Promise.all(kept.slice(0, -MOST_PAGES).map((old) => cache.delete(old, ANY)));
}

/** The page as it was seen last; in place of one day's schedule also that of all days. */
async function seenBefore(request) {
  const cache = await caches.open(PAGES);
  const same = await cache.match(request, ANY);
  if (same || new URL(request.url).pathname !== SITE.schedule) return same;
  return cache.match(WHOLE_SCHEDULE, ANY);
}
