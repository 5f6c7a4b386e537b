"""The site that all tests of the player share: each test has its own room."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from ports import free_port

from .sites import Site, copy_checkout, run_in_checkout, serving_site

ROOM_COUNT = 80


class PlayerSite(Site):
    """A site with many rooms, and a crew token."""

    token: str
    rooms: Iterator[str]

    def register(self, room, name, origin, formats=("hls",), **state):
        """Register an endpoint for a room."""
        response = self.put(
            f"/tracker/api/v1/rooms/{room}/endpoints/{name}",
            {"url": origin.url, "formats": list(formats), **state},
            self.token,
        )
        assert response.status < 300, response.data


@contextmanager
def serving_player_site(root, folder, environment):
    """Serve a site with many rooms: the first has a schedule, "tube" a video on YouTube."""
    checkout = copy_checkout(root, folder)
    rooms = [f"hall{number}" for number in range(1, ROOM_COUNT + 1)]
    config = {
        "config": {"secret": "of the tests"},
        "default": {
            "schedule-timezone": "UTC",
            "ircnetwork": "irc.libera.chat",
            "ircchannel": "#test-%(group)s",
            # An unreachable server.
            "posts": {"server": "http://127.0.0.1:9", "hashtag": "conf"},
        },
        "example": {
            "title": "Main Hall",
            "schedule": "conf/sample-event.json",
            "schedule-key": "Main Hall",
        },
        "tube": {"title": "The Tube", "youtube": "dQw4w9WgXcQ"},
        **{room: {"title": f"Room {room[4:]}"} for room in rooms},
    }
    (checkout / "config.private.json").write_text(json.dumps(config))
    with serving_site(checkout, environment, free_port()) as site:
        issue = (".venv/bin/streaming-system", "admin", "token", "issue", "tests", "--crew")
        issued = run_in_checkout(checkout, environment, *issue)
        assert issued.returncode == 0, issued.stderr
        player_site = PlayerSite(site.url, site.process, checkout)
        player_site.token = issued.stdout.split()[-1]
        player_site.rooms = iter(rooms)
        yield player_site


# Between two checks, the position has advanced, but not by more than the elapsed time.
IS_PLAYING_SCRIPT = """() => {
  const video = document.querySelector('.stage video');
  if (!video) return false;
  const now = performance.now();
  const before = window.lastCheck;
  if (!before || now - before.at >= 400) {
    window.lastCheck = { at: now, position: video.currentTime };
  }
  if (!before || now - before.at < 400) return false;
  const moved = video.currentTime - before.position;
  return !video.paused && moved > 0.2 && moved < 2;
}"""
PLAYBACK_TIMEOUT_MS = 10_000


def wait_until_playing(page, milliseconds=PLAYBACK_TIMEOUT_MS, *, with_player=True):
    """Wait until the stream plays.

    :param with_player: also wait for the page's scripts, which load after the first frame.
    """
    if with_player:
        page.locator(".player-bar").first.wait_for(state="attached", timeout=milliseconds)
    page.evaluate("window.lastCheck = null")
    page.wait_for_function(IS_PLAYING_SCRIPT, timeout=milliseconds, polling=100)


def wait_for_status(page, state, milliseconds=20_000):
    page.locator(f".stage[data-player-state={state}]").wait_for(timeout=milliseconds)


def video_data(page):
    return page.locator("video").evaluate("video => ({...video.dataset})")


def open_setting(page, name):
    """Return a menu of the settings, which are open then."""
    settings = page.get_by_role("button", name="Settings")
    settings.wait_for()
    if settings.get_attribute("aria-expanded") == "false":
        settings.click()
    return page.get_by_role("group", name="Player").get_by_label(name, exact=True)
