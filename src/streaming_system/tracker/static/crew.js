// Keeps a crew page up to date: every ten seconds it fetches the page and replaces its parts marked data-refresh. Without
// this script the whole page reloads.

const REFRESH_INTERVAL = 10000;

async function refresh() {
  try {
    const response = await fetch(location.href, { cache: "no-store" });
    if (response.ok) update(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    // The next refresh tries again; until then the page shows its age.
  }
  setTimeout(refresh, REFRESH_INTERVAL);
}

function update(page) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
    if (!fresh || part.isEqualNode(fresh)) continue;
    // Scroll positions of wide tables and open details stay as they are.
    const scrolled = [...part.querySelectorAll(".scroll")].map((table) => table.scrollLeft);
    const open = [...part.querySelectorAll("details")].map((details) => details.open);
    part.replaceWith(fresh);
    fresh.querySelectorAll("details").forEach((details, number) => { details.open = open[number] ?? false; });
    fresh.querySelectorAll(".scroll").forEach((table, number) => { table.scrollLeft = scrolled[number] ?? 0; });
  }
}

setTimeout(refresh, REFRESH_INTERVAL);
