// Starts the page's stream before everything else. The page's other scripts are of type "deferred-module", and their
// preloads have "deferred-" before their rel: they start when the first frame is visible, or nothing is to be played.

async function playStream() {
  const url = document.querySelector("link[data-stream]")?.href;
  if (!url) return;
  const { startEarlyStream } = await import("./player/early-stream.js");
  await startEarlyStream(url);
}

async function startDeferred() {
  // Like all modules, they expect a complete document.
  if (document.readyState === "loading") await new Promise((resolve) => { document.addEventListener("DOMContentLoaded", resolve); });
  for (const link of document.querySelectorAll("link[rel^=deferred-]")) link.rel = link.rel.slice("deferred-".length);
  for (const inert of document.querySelectorAll("script[type=deferred-module]")) {
    const script = document.createElement("script");
    script.type = "module";
    // As it is in the page: room-navigation.js compares the files of pages.
    script.setAttribute("src", inert.getAttribute("src"));
    // In the order of the page.
    script.async = false;
    inert.replaceWith(script);
  }
}

playStream().catch(console.error).finally(startDeferred);
