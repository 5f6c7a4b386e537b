"""Measures the time from opening a room's page to the first frame: make bench-first-frame.

It uses a real encoder and Chromium on this machine: with an empty cache, with a warm one, and with
an empty one at 1.6 Mbit/s. A minimal page with hls.js and its default settings opens the same
stream for comparison.
"""

import argparse
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from e2e.player_site import serving_player_site
from e2e.stream import Encoder, Origin

HLS_LIBRARY = ROOT / "src/streaming_system/frontend/static/vendor/hls/hls.min.mjs"
BARE_PAGE = """<!DOCTYPE html><title>Bare</title><video muted playsinline></video>
<script type="module">
import Hls from "./hls.min.mjs";
const video = document.querySelector("video");
const hls = new Hls();
hls.loadSource("stream.m3u8");
hls.attachMedia(video);
video.play();
</script>
"""
FIRST_FRAME_SCRIPT = """
const observe = () => {
  const video = document.querySelector('video');
  if (video) video.requestVideoFrameCallback(() => { window.firstFrame = performance.now(); });
  else setTimeout(observe, 5);
};
observe();
"""
# As in Lighthouse: a slow mobile connection.
SLOW_NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
BROWSER_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
             "--disable-background-networking", "--disable-component-update")  # fmt: skip


def first_frames(browser, url: str, *, is_slow: bool = False) -> list[float]:
    """Return the milliseconds from the navigation to the first frame.

    The second value is with the cache of the first; there is none at 1.6 Mbit/s.
    """
    context = browser.new_context()
    context.add_init_script(FIRST_FRAME_SCRIPT)
    times = [_first_frame(context, url, is_slow=is_slow) for _ in range(1 if is_slow else 2)]
    context.close()
    return times


def _first_frame(context, url: str, *, is_slow: bool) -> float:
    page = context.new_page()
    if is_slow:
        devtools = context.new_cdp_session(page)
        devtools.send("Network.enable")
        devtools.send("Network.emulateNetworkConditions", SLOW_NETWORK)
    page.goto(url, wait_until="commit")
    page.wait_for_function("() => window.firstFrame", timeout=30_000)
    milliseconds = page.evaluate("() => window.firstFrame")
    page.close()
    return milliseconds


def measure(folder: Path, runs: int) -> dict[str, list[float]]:
    """Open both pages alternately; drop the first time of each."""
    encoder = Encoder(folder / "stream")
    shutil.copy(HLS_LIBRARY, encoder.folder)
    (encoder.folder / "bare.html").write_text(BARE_PAGE)
    origin = Origin(encoder.folder)
    origin.start()
    encoder.start()
    try:
        encoder.wait()
        with (
            serving_player_site(ROOT, folder, dict(os.environ)) as site,
            sync_playwright() as playwright,
        ):
            room = next(site.rooms)
            site.register(room, "edge1", origin)
            site.wait_for(lambda: "<video" in site.text(f"/{room}"), 10, "a player")
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=list(BROWSER_ARGUMENTS)
            )
            pages = {"room": f"{site.url}/{room}", "bare hls.js": f"{origin.url}bare.html"}
            times: dict[str, list[float]] = {
                f"{name}, {how}": [] for how in ("cold", "warm", "slow") for name in pages
            }
            for _ in range(runs + 1):
                for name, url in pages.items():
                    cold, warm = first_frames(browser, url)
                    times[f"{name}, cold"].append(cold)
                    times[f"{name}, warm"].append(warm)
                    times[f"{name}, slow"] += first_frames(browser, url, is_slow=True)
            browser.close()
    finally:
        encoder.kill()
        origin.stop()
    return {name: values[1:] for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    with tempfile.TemporaryDirectory() as folder:
        times = measure(Path(folder), parser.parse_args().runs)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"{name:18} {medians[name]:6.0f} ms", *(f"{value:6.0f}" for value in sorted(values)))
    for how in ("cold", "warm", "slow"):
        ratio = medians[f"room, {how}"] / medians[f"bare hls.js, {how}"]
        print(f"room / bare, {how:5} {ratio:6.2f}")


if __name__ == "__main__":
    main()
