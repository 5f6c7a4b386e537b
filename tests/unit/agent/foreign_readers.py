"""The readers of other programs' documents, behind one interface."""

import io
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

import foreign_samples as samples
import urllib3

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.preview.stream_urls import fetch_live_stream_urls
from streaming_system.agent.source_poller import SourcePoller
from streaming_system.agent.source_registry import configure_sources
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.tracker_http import BoundedHttpClient, TrackerError
from streaming_system.config import MastodonFeed
from streaming_system.frontend.mastodon import parse_timeline
from streaming_system.frontend.tracker_client import (
    PolledResource,
    parse_incidents,
    parse_rooms,
    parse_streams,
)
from streaming_system.util.log_once import LogOnce

SERVER = "http://stream.example.org:8000"
INI = """
[agent]
trackers = http://127.0.0.1:8000/tracker
token = sst_x
name = edge1
check = no
[source:one]
use = {use}
{options}
streams =
    {mounts[0]} = hall webm
    {mounts[1]} = lab webm
"""


class FakePool:
    """A pool of connections to a server that has these documents, by path."""

    def __init__(self, documents):
        self.documents = documents

    def request(self, method, url, **options):
        body = self.documents.get(urlsplit(url).path, self.documents.get("*"))
        return urllib3.HTTPResponse(
            io.BytesIO(body or b""),
            status=404 if body is None else 200,
            reason="Not Found" if body is None else "OK",
            preload_content=False,
        )


@contextmanager
def recorded_lines():
    """Record what the program logs, at INFO or above."""
    lines = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: lines.append(handler.format(record))
    logger = logging.getLogger("streaming_system")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@dataclass(frozen=True)
class Reader:
    """A reader, and a sample of the documents that it reads.

    :param documents: by path.
    :param start: takes a :class:`FakePool` and a folder; returns a function that reads once, and
        returns the rooms with their samples, or ``None`` if nothing is known.
    :param vital: names of members without which nothing is known, or all of it changes.
    """

    documents: dict
    start: object
    vital: frozenset = frozenset()
    names: tuple = ("hall", "lab")
    encoded: dict = field(init=False)

    def __post_init__(self):
        encoded = {path: samples.encode(document) for path, document in self.documents.items()}
        object.__setattr__(self, "encoded", encoded)


def source(use, documents, mounts, options="url = " + SERVER, vital=(), names=("hall", "lab")):
    """Return the reader of a source type."""

    def start(pool, folder):
        ini = folder / "agent.ini"
        ini.write_text(INI.format(use=use, mounts=mounts, options=options))
        agent = load_agent_config(ini)
        [configured] = configure_sources(agent)
        configured.probe._pool = pool
        configured.probe.run = lambda command: pool.documents["*"]
        states = SourceStateStore(agent, (configured,), {})
        poller = SourcePoller(configured, states, 10, threading.Event())

        def poll():
            poller.poll()
            state = states.states()["one"]
            if state.failures:
                return None
            return {
                stats.stream.room: (stats.clients, stats.sent, stats.bitrate, stats.raw.codec)
                for stats in state.validated.mounts.values()
            }

        return poll

    return Reader(documents, start, frozenset(vital), names)


def resource(document, parse, key, *, vital=(), names=("hall", "lab")):
    """Return the reader of a page's data."""

    def start(pool, folder):
        moment = [0]
        polled = PolledResource(SERVER, "/x", parse, pool=pool, clock=lambda: moment[0])

        def poll():
            # By then, the last value has expired.
            moment[0] += 1000
            value = polled.get()
            return None if value is None else key(value)

        return poll

    return Reader({"*": document}, start, frozenset(vital), names)


def _start_previews(pool, folder):
    tracker = BoundedHttpClient(SERVER)
    tracker._pool = pool
    warnings = LogOnce(logging.getLogger("streaming_system.agent"))

    def poll():
        try:
            urls = fetch_live_stream_urls(tracker)
        except TrackerError as error:
            warnings.warn("tracker", str(error))
            return None
        warnings.resolve("tracker")
        return urls

    return poll


FEED = MastodonFeed(server="https://social.example.org", hashtag="test")
READERS = {
    "icecast": source(
        "icecast", {"*": samples.ICECAST}, ("/hall.mp3", "/lab.mp3"), vital=["icestats", "source"]
    ),
    "icecast admin": source(
        "icecast",
        {"*": samples.ICECAST_ADMIN},
        ("/hall.webm", "/lab.webm"),
        f"url = {SERVER}\npassword = x",
    ),
    "nginx_rtmp": source("nginx_rtmp", {"*": samples.NGINX_RTMP}, ("live/hall", "live/lab")),
    "srs": source("srs", {"*": samples.SRS}, ("live/hall", "live/lab"), vital=["code", "streams"]),
    "mediamtx": source("mediamtx", {"*": samples.MEDIAMTX}, ("hall", "lab"), vital=["items"]),
    "ovenmediaengine": source(
        "ovenmediaengine",
        samples.OVENMEDIAENGINE,
        ("live/hall", "live/lab"),
        f"url = {SERVER}\npassword = x",
        vital=["statusCode", "response"],
    ),
    "owncast": source(
        "owncast",
        {"*": samples.OWNCAST},
        ("live", "none"),
        f"url = {SERVER}\npassword = x",
        names=("hall",),
    ),
    "command": source(
        "command", {"*": samples.COMMAND}, ("hall", "lab"), "command = stats", vital=["mounts"]
    ),
    "streams.json": resource(samples.STREAMS, parse_streams, dict, vital=["rooms"]),
    "rooms": resource(samples.ROOMS, parse_rooms, dict, vital=["rooms"]),
    "incidents": resource(
        samples.INCIDENTS,
        parse_incidents,
        lambda incidents: {each.room: each for each in incidents},
        vital=["incidents"],
    ),
    "mastodon": resource(
        samples.TIMELINE,
        partial(parse_timeline, feed=FEED),
        lambda posts: {post.account.split("@")[1]: post for post in posts},
        names=("ann", "bob"),
    ),
    "previews": Reader({"*": samples.STREAMS}, _start_previews, frozenset(["rooms"])),
}
