// Shows the colours that the viewer has chosen. It runs before anything is drawn, so that nothing flashes;
// without it, or without a choice, the page follows the system.
(() => {
  const KEY = "scheme";
  const SCHEMES = ["light", "dark"];
  const root = document.documentElement;

  function kept() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      // The viewer's browser keeps nothing for us.
      return null;
    }
  }

  function keep(scheme) {
    try {
      if (scheme) localStorage.setItem(KEY, scheme);
      else localStorage.removeItem(KEY);
    } catch {
      // Then it holds for this page.
    }
  }

  function show(scheme) {
    if (SCHEMES.includes(scheme)) root.dataset.scheme = scheme;
    else delete root.dataset.scheme;
    // What is drawn by scripts has to be drawn anew.
    document.dispatchEvent(new CustomEvent("schemechange"));
  }

  show(kept());
  document.addEventListener("DOMContentLoaded", () => {
    const form = document.querySelector("[data-scheme-switch]");
    if (!form) return;
    const choice = form.querySelector("select");
    choice.value = root.dataset.scheme ?? "";
    form.hidden = false;
    choice.addEventListener("change", () => {
      keep(choice.value);
      show(choice.value);
    });
    // Other tabs follow.
    addEventListener("storage", (event) => {
      if (event.key !== KEY && event.key !== null) return;
      show(kept());
      choice.value = root.dataset.scheme ?? "";
    });
  });
})();
