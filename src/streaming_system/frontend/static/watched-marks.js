// Marks the talks that the viewer has watched, in schedules and on the talk's own page, and lets the viewer clear them.

import { t } from "./i18n.js";
import { forgetAllPositions, loadPositions } from "./watch-positions.js";

const programme = document.getElementById("programme");
const page = document.querySelector("article[data-talk]");

function mark(element, entry) {
  if (!entry) {
    delete element.dataset.watched;
    return;
  }
  element.dataset.watched = entry.isDone ? "done" : "begun";
  element.dataset.watchedLabel = entry.isDone ? t("Watched") : t("Watched in part");
}

function markAll() {
  const positions = loadPositions();
  for (const talk of programme?.querySelectorAll(".talk") ?? []) {
    const link = talk.querySelector("a");
    if (link) mark(talk, positions.get(link.pathname.split("/").pop()));
  }
  if (page) mark(page.querySelector(".talk-status"), positions.get(page.dataset.talk));
  if (page) updateClearButton(positions.size > 0);
}

function updateClearButton(hasPositions) {
  const existing = page.querySelector(".watched-clear");
  if (hasPositions === Boolean(existing)) return;
  if (existing) return existing.remove();
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link watched-clear";
  button.textContent = t("Clear the list of watched talks");
  button.addEventListener("click", () => {
    forgetAllPositions();
    document.dispatchEvent(new Event("positions-cleared"));
    markAll();
  });
  page.querySelector("#recording")?.append(button);
}

// A search replaces the talks.
if (programme) new MutationObserver(markAll).observe(programme, { childList: true });
// Another tab, or the player of this page, has stored a position.
addEventListener("storage", markAll);
document.addEventListener("position-stored", markAll);
addEventListener("pageshow", markAll);
markAll();
