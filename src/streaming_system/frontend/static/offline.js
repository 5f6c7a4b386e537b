// Has the browser keep what can be read without a network, says when there is none, and comes back when there is.

import { t } from "./words.js";

const RETRY_EVERY = 15_000;

if ("serviceWorker" in navigator) {
  // The page comes first; what is for later can wait.
  const register = () => navigator.serviceWorker.register(document.body.dataset.worker).catch(() => {});
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}

const instead = document.querySelector("[data-offline]");
// The page that says so stands under the address of the one that was wanted.
if (instead && location.pathname !== instead.dataset.offline) retry();
// A player has its own words for it, and what is below it shall not jump.
else if (!instead && !document.querySelector(".stage")) note();

function retry() {
  instead.querySelector("[data-retries]").hidden = false;
  // Whoever is on the way to another page is not called back.
  let leaves = false;
  addEventListener("beforeunload", () => { leaves = true; });
  addEventListener("pageshow", () => { leaves = false; });
  const again = () => { if (!leaves) location.reload(); };
  addEventListener("online", again);
  setInterval(async () => {
    if (document.hidden) return;
    try {
      await fetch(location.href, { method: "HEAD", cache: "no-store" });
      again();
    } catch {
      // Still nobody there.
    }
  }, RETRY_EVERY);
}

function note() {
  const says = document.createElement("p");
  says.className = "offline-note";
  says.setAttribute("role", "status");
  document.getElementById("content").before(says);
  const show = () => {
    says.textContent = navigator.onLine ? "" : t("You are offline. This page is as you saw it last.");
  };
  addEventListener("online", show);
  addEventListener("offline", show);
  show();
}
