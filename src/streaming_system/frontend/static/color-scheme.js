// Applies the colour scheme that the viewer has chosen. This script blocks rendering, so that the page does not flash in
// the other scheme. Without it, or without a choice, the page follows the system.
(() => {
  const KEY = "scheme";
  const SCHEMES = ["light", "dark"];
  const root = document.documentElement;

  function load() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      // The browser has no storage for this site.
      return null;
    }
  }

  function store(scheme) {
    try {
      if (scheme) localStorage.setItem(KEY, scheme);
      else localStorage.removeItem(KEY);
    } catch {
      // Without storage the choice applies to this page only.
    }
  }

  function apply(scheme) {
    if (SCHEMES.includes(scheme)) root.dataset.scheme = scheme;
    else delete root.dataset.scheme;
    // Scripts redraw their canvases.
    document.dispatchEvent(new CustomEvent("schemechange"));
  }

  apply(load());
  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("[data-scheme-switch]");
    if (!form) return;
    const select = form.querySelector("select");
    select.value = root.dataset.scheme ?? "";
    form.hidden = false;
    select.addEventListener("change", () => {
      store(select.value);
      apply(select.value);
    });
    // Follow a change in another tab.
    addEventListener("storage", (event) => {
      if (event.key !== KEY && event.key !== null) return;
      apply(load());
      select.value = root.dataset.scheme ?? "";
    });
  });
})();
