"""Black, frozen and silent streams: the preview service reports them to a tracker."""

import itertools
import os

import pytest
from programs import find, require

from .conftest import wait_until
from .servers import free_port
from .streams import make_film

SECONDS = 90


@pytest.fixture
def measure(agent, served, fake_server, tmp_path, monkeypatch):
    """Return a function that serves films by room, and measures them for the tracker."""
    require("ffmpeg")
    # The formats that take long are not what is tested.
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ffmpeg").write_text(
        f'#!/bin/sh\ncase "$*" in *av1*|*libwebp*) exit 1;; esac\nexec {find("ffmpeg")} "$@"\n'
    )
    (folder / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def film(name, **options):
        file = tmp_path / f"{name}.ts"
        make_film(file, **options)
        return 200, {}, file.read_bytes()

    def measure(**rooms):
        for room, films in rooms.items():
            # Each request gets the next film, as a live stream goes on. A run makes two requests.
            responses = itertools.cycle(
                [film(f"{room}{n}", **options) for n, options in enumerate(films)]
            )
            fake_server.responses[f"/{room}.ts"] = lambda request, responses=responses: next(
                responses
            )
        port = free_port()
        lines = "".join(f"    {room} = {fake_server.url}/{room}.ts\n" for room in rooms)
        return agent(
            command="preview",
            status_port=port,
            trackers=[served.url],
            token=f"token = {served.token('crew', '')}",
            sources=f"[preview]\nfolder = previews\ninterval = 2\nstatus = 127.0.0.1:{port}\n"
            f"rooms =\n{lines}",
        )

    return measure


@pytest.fixture
def conditions(served):
    """Return a function that returns mood and condition of each component."""

    def conditions():
        return {
            component["name"]: (component["mood"], component["condition"])
            for component in served.get("/api/v1/components")["components"]
        }

    return conditions


def test_conditions_of_the_rooms_reach_the_tracker(measure, conditions):
    running = measure(
        hall=[{"picture": "black", "sound": "silent", "seconds": 3}],
        lab=[
            {"picture": picture, "sound": "good", "seconds": 3}
            for picture in ("good", "frozen", "still")
        ],
    )

    wait_until(lambda: len(conditions()) == 4, SECONDS, "both rooms are measured")
    wait_until(lambda: running.metric("previews_total").get('{result="taken",room="lab"}', 0) > 1,
               SECONDS, "a second picture")  # fmt: skip

    assert conditions() == {
        "hall picture": ("hungry", "black"),
        "hall sound": ("hungry", "silence"),
        # It changes.
        "lab picture": ("happy", None),
        "lab sound": ("happy", None),
    }
    assert set(running.metric("condition_seconds")) == {
        '{condition="black",part="hall picture",room="hall"}',
        '{condition="silence",part="hall sound",room="hall"}',
    }


def test_picture_that_stands_still_is_frozen_and_missing_sound_is_no_silence(
    measure, conditions, served
):
    running = measure(hall=[{"picture": "good", "sound": None, "seconds": 3}])

    wait_until(
        lambda: conditions().get("hall picture") == ("happy", "frozen"), SECONDS, "it is frozen"
    )
    assert conditions()["hall sound"] == ("sleeping", None)
    [machine] = {each["machine"] for each in served.get("/api/v1/components")["components"]}
    assert machine == "edge1:pictures"

    running.terminate()

    assert conditions() == {}
