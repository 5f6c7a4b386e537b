"""Source types of plugins."""

import re

import pytest

from .conftest import json_response
from .sample_data import ACCEPTED

SOURCES = """
[source:own]
use = my-server
url = {url}
streams =
    hall = hall hls
"""


@pytest.fixture
def once_with(tmp_path, fake_server, once):
    """Return a function that runs `agent register --once` with a plugin."""

    def once_with(plugin):
        folder = tmp_path / "once/plugins"
        folder.mkdir(parents=True)
        (folder / "my_server.py").write_text(plugin)
        return once(
            trackers=[fake_server.url],
            token="token = sst_x\nplugins = plugins",
            sources=SOURCES.format(url=fake_server.url),
        )

    return once_with


@pytest.fixture
def example(root):
    """The example plugin of the manual."""
    manual = (root / "docs/how-to/stats-sources.md").read_text()
    code = re.search(r"```py\n(.*?)```", manual, re.DOTALL)[1]
    names = "MountStats, SourceOption, StatsSource, hookimpl"
    return f"from streaming_system.plugin import {names}\n\n{code}"


def test_example_of_the_manual_works(fake_server, once_with, example):
    fake_server.responses = {
        "*": ACCEPTED,
        "/streams": json_response({"streams": [{"name": "hall", "viewers": 7}, {"name": "else"}]}),
    }

    status, output = once_with(example)

    assert (status, "hall: hls; 7 clients, 0 bit/s\n" in output) == (0, True)
    assert [request.method for request in fake_server.requests] == ["GET", "PUT"]


def test_failing_plugin_is_one_line(fake_server, once_with, example):
    fake_server.responses = {"*": ACCEPTED}

    status, output = once_with(example.replace("for stream in", "1 / 0\n    for stream in"))

    assert status == 1
    assert "own: the source type my-server has an internal error at line " in output
    assert "ZeroDivisionError" not in output
    assert fake_server.requests == []


@pytest.mark.parametrize(
    ("plugin", "line"),
    [
        ("import nothing_of_that_name", "my_server.py: ModuleNotFoundError"),
        (
            "from streaming_system.plugin import hookimpl\n\n\n"
            "@hookimpl\ndef register_stats_sources():\n    return ['icecast']\n",
            "register_stats_sources must return a list of StatsSource",
        ),
        (
            "from streaming_system.plugin import StatsSource, hookimpl\n\n\n"
            "@hookimpl\ndef register_stats_sources():\n"
            "    return [StatsSource(name='icecast', summary='', options=(), fetch=list)]\n",
            "there is a source 'icecast' already",
        ),
        (
            "from streaming_system.plugin import hookimpl\n\n\n"
            "@hookimpl\ndef register_stats_sources():\n    return 1 / 0\n",
            "my_server.py: ZeroDivisionError",
        ),
    ],
)
def test_unusable_plugin_stops_the_start(once_with, plugin, line):
    status, output = once_with(plugin)

    assert (status, output.count("\n")) == (1, 1)
    assert line in output
