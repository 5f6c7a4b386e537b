// Keeps a page of the crew up to date: every ten seconds it is fetched again, and its parts marked
// data-refresh are exchanged where they are. Without this the whole page is loaded again.

const EVERY = 10000;

async function refresh() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The next round asks again; until then, the page says when it was made.
  }
  setTimeout(refresh, EVERY);
}

function show(page) {
  for (const part of document.querySelectorAll("[data-refresh]")) {
    const fresh = page.querySelector(`[data-refresh="${part.dataset.refresh}"]`);
    if (!fresh || part.isEqualNode(fresh)) continue;
    // Whoever has scrolled a wide table to the side stays there, and folds stay open.
    const scrolled = [...part.querySelectorAll(".scroll")].map((table) => table.scrollLeft);
    const unfolded = [...part.querySelectorAll("details")].map((fold) => fold.open);
    part.replaceWith(fresh);
    fresh.querySelectorAll("details").forEach((fold, number) => { fold.open = unfolded[number] ?? false; });
    fresh.querySelectorAll(".scroll").forEach((table, number) => { table.scrollLeft = scrolled[number] ?? 0; });
  }
}

setTimeout(refresh, EVERY);
