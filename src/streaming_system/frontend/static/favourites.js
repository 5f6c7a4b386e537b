// The talks that a viewer has marked. They are stored in this browser; only reminders of favourites send them.

import { t } from "./i18n.js";

// Each conference of a site has talks of its own, with ids that others may have, too.
const { event } = document.body.dataset;
const KEY = event ? `favourites ${event}` : "favourites";

let favourites = load();
const subscribers = [];

function load() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return new Set(Array.isArray(stored) ? stored.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set();
  }
}

export function isFavourite(id) {
  return favourites.has(id);
}

export function favouriteIds() {
  return [...favourites];
}

/** Call a function whenever the favourites change, here or in another tab. */
export function onChange(callback) {
  subscribers.push(callback);
}

function toggle(id) {
  // Another tab may have changed the stored set.
  const before = favourites;
  favourites = load();
  if (before.has(id)) favourites.delete(id);
  else favourites.add(id);
  try {
    localStorage.setItem(KEY, JSON.stringify([...favourites]));
  } catch {
    // Without storage the favourites last as long as the page.
  }
  notify();
}

function notify() {
  document.querySelectorAll(".star").forEach(updateButton);
  document.querySelectorAll(".favourite").forEach(updateNamedButton);
  subscribers.forEach((callback) => callback());
}

function updateButton(button) {
  const isMarked = favourites.has(button.dataset.id);
  button.setAttribute("aria-pressed", isMarked);
  button.firstChild.textContent = isMarked ? "★" : "☆";
}

function updateNamedButton(button) {
  const isMarked = favourites.has(button.dataset.id);
  const [star, name] = button.children;
  button.classList.toggle("is-marked", isMarked);
  star.textContent = isMarked ? "★" : "☆";
  name.textContent = isMarked ? t("In favourites") : t("Add to favourites");
}

/** Return a button that marks a talk, and names what it does. */
export function namedFavouriteButton(id) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain favourite";
  button.dataset.id = id;
  const star = document.createElement("span");
  star.setAttribute("aria-hidden", "true");
  button.append(star, " ", document.createElement("span"));
  button.addEventListener("click", () => toggle(id));
  updateNamedButton(button);
  return button;
}

/** Return a button that marks a talk. */
export function favouriteButton(id, title) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "star";
  button.dataset.id = id;
  button.setAttribute("aria-label", t("Favourite: {title}", { title }));
  const star = document.createElement("span");
  star.setAttribute("aria-hidden", "true");
  button.append(star);
  button.addEventListener("click", () => toggle(id));
  updateButton(button);
  return button;
}

addEventListener("storage", (event) => {
  if (event.key !== KEY && event.key !== null) return;
  favourites = load();
  notify();
});
