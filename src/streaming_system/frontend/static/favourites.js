// The talks that a viewer has marked. They are kept in this browser and told to nobody.

import { t } from "./words.js";

const KEY = "favourites";

let favourites = read();
const listeners = [];

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return new Set(Array.isArray(kept) ? kept.filter((id) => typeof id === "string") : []);
  } catch {
    return new Set();
  }
}

export function isFavourite(id) {
  return favourites.has(id);
}

/** Have a function called whenever the favourites change, here or in another tab. */
export function onChange(listener) {
  listeners.push(listener);
}

function toggle(id) {
  // Another tab may have changed them meanwhile.
  const before = favourites;
  favourites = read();
  if (before.has(id)) favourites.delete(id);
  else favourites.add(id);
  try {
    localStorage.setItem(KEY, JSON.stringify([...favourites]));
  } catch {
    // Where nothing may be stored, they last as long as the page.
  }
  changed();
}

function changed() {
  document.querySelectorAll(".star").forEach(showState);
  listeners.forEach((listener) => listener());
}

function showState(star) {
  const marked = favourites.has(star.dataset.id);
  star.setAttribute("aria-pressed", marked);
  star.firstChild.textContent = marked ? "★" : "☆";
}

/** Return a button that marks a talk. */
export function star(id, title) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "star";
  button.dataset.id = id;
  button.setAttribute("aria-label", t("Favourite: {title}", { title }));
  const sign = document.createElement("span");
  sign.setAttribute("aria-hidden", "true");
  button.append(sign);
  button.addEventListener("click", () => toggle(id));
  showState(button);
  return button;
}

addEventListener("storage", (event) => {
  if (event.key !== KEY && event.key !== null) return;
  favourites = read();
  changed();
});
