"""How long it takes from opening a room's page to the first frame: make bench-first-frame.

A real encoder, a real Chromium that has never seen the site, all on this machine. The same stream
is also opened by a page that has nothing but hls.js with its own settings: what the room's page
takes more or less than that is ours.
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

from e2e.players import serving_player_site
from e2e.stream import Encoder, Origin

HLS = ROOT / "src/streaming_system/frontend/static/vendor/hls/hls.min.mjs"
BARE = """<!DOCTYPE html><title>Bare</title><video muted playsinline></video>
<script type="module">
import Hls from "./hls.min.mjs";
const video = document.querySelector("video");
const hls = new Hls();
hls.loadSource("stream.m3u8");
hls.attachMedia(video);
video.play();
</script>
"""
WATCH = """
const find = () => {
  const video = document.querySelector('video');
  if (video) video.requestVideoFrameCallback(() => { window.firstFrame = performance.now(); });
  else setTimeout(find, 5);
};
find();
"""
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required",
             "--disable-background-networking", "--disable-component-update")  # fmt: skip


def first_frame(browser, url: str) -> float:
    """Return the milliseconds from the navigation to the first frame, without a cache."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(url)
    page.wait_for_function("() => window.firstFrame", timeout=30_000)
    milliseconds = page.evaluate("() => window.firstFrame")
    context.close()
    return milliseconds


def measure(folder: Path, runs: int) -> dict[str, list[float]]:
    """Open both pages in turn; the first time of each does not count."""
    encoder = Encoder(folder / "stream")
    shutil.copy(HLS, encoder.folder)
    (encoder.folder / "bare.html").write_text(BARE)
    origin = Origin(encoder.folder)
    origin.start()
    encoder.start()
    try:
        encoder.wait()
        with (
            serving_player_site(ROOT, folder, dict(os.environ)) as stage,
            sync_playwright() as playwright,
        ):
            room = next(stage.rooms)
            stage.register(room, "edge1", origin)
            stage.wait_for(lambda: "<video" in stage.text(f"/{room}"), 10, "a player")
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=list(ARGUMENTS)
            )
            pages = {"room": f"{stage.url}/{room}", "bare hls.js": f"{origin.url}bare.html"}
            times: dict[str, list[float]] = {name: [] for name in pages}
            for _ in range(runs + 1):
                for name, url in pages.items():
                    times[name].append(first_frame(browser, url))
            browser.close()
    finally:
        encoder.kill()
        origin.stop()
    return {name: found[1:] for name, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    with tempfile.TemporaryDirectory() as folder:
        times = measure(Path(folder), parser.parse_args().runs)
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, found in times.items():
        print(f"{name:12} {medians[name]:6.0f} ms", *(f"{one:6.0f}" for one in sorted(found)))
    print(f"room / bare  {medians['room'] / medians['bare hls.js']:6.2f}")


if __name__ == "__main__":
    main()
