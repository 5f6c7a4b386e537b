// Registers the service worker, shows that the device is offline, and reloads the offline page when it is online again.

import { t } from "./i18n.js";

const RETRY_INTERVAL = 15_000;

if ("serviceWorker" in navigator) {
  // The page loads first; the cache can wait.
  const register = () => navigator.serviceWorker.register(document.body.dataset.worker).catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

const offlinePage = document.querySelector("[data-offline]");
// The service worker responds with the offline page under the requested address.
if (offlinePage && location.pathname !== offlinePage.dataset.offline) retry();
// The player shows its own message, and the content below it must not move.
else if (!offlinePage && !document.querySelector(".stage")) showNote();

function retry() {
  offlinePage.querySelector("[data-retries]").hidden = false;
  // A viewer who leaves for another page is not called back.
  let isLeaving = false;
  addEventListener("beforeunload", () => { isLeaving = true; });
  addEventListener("pageshow", () => { isLeaving = false; });
  const reload = () => { if (!isLeaving) location.reload(); };
  addEventListener("online", reload);
  setInterval(async () => {
    if (document.hidden) return;
    try {
      await fetch(location.href, { method: "HEAD", cache: "no-store" });
      reload();
    } catch {
      // The server is still unreachable.
    }
  }, RETRY_INTERVAL);
}

function showNote() {
  const note = document.createElement("p");
  note.className = "offline-note";
  note.setAttribute("role", "status");
  document.getElementById("content").before(note);
  const update = () => {
    note.textContent = navigator.onLine ? "" : t("You are offline. This is the last saved version of this page.");
  };
  addEventListener("online", update);
  addEventListener("offline", update);
  update();
}
