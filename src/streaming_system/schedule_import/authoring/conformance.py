"""Checks that a parser plugin does what the site relies on."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.plugin.feed import FeedError, open_feed
from streaming_system.plugin_host.manager import PluginError, create_plugin_manager
from streaming_system.plugin_host.sandbox import ResourceLimits, run_sandboxed
from streaming_system.schedule.model import Talk
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, ParsedFeed, parse_feed
from streaming_system.schedule_import.parsers import RegisteredParser, registered_parsers

# What a parser may take for a feed of a few talks.
LIMITS = ResourceLimits(seconds=5, memory=500 * 2**20)
MAX_MUTANTS = 60

# Documents of other formats, and such as people make at home: none is the plugin's.
FOREIGN_FEEDS = (
    b"[]",
    b"{}",
    b'[{"title": "x", "start": "2026-01-01T10:00:00Z", "end": "2026-01-01T11:00:00Z"}]',
    b'{"schedule": {"conference": {"title": "x", "days": [{"index": 1, "rooms": {"A": []}}]}}}',
    b'{"schedule": {"conference": {"rooms": []}, "events": []}}',
    b'{"schedule": [{"conf_key": 1, "kind": "talk", "start": "2026-01-01T10:00:00"}]}',
    b'{"schedule": {"monday": [{"name": "x"}]}}',
    b'{"talks": [], "rooms": [], "speakers": [], "tracks": [], "timezone": "UTC"}',
    b'{"sessions": [], "speakers": [], "rooms": [], "categories": []}',
    b'{"results": [], "_type": "HTTPAPIResult"}',
    b'[{"Title": "x", "Room Name": "A", "Start": "2026-01-01 10:00:00", "Duration": "1:00:00"}]',
    b'[{"pk": 1, "model": "main.episode", "fields": {}}]',
    b"<schedule><conference><title>x</title></conference><day/></schedule>",
    b"<rss version='2.0'><channel/></rss>",
    b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    b"Room,Start,Title\nA,10:00,x\n",
)
# What can stand where something else should.
INVALID_VALUES: tuple[Any, ...] = (
    None,
    17,
    -1,
    True,
    "",
    "x" * 100_000,
    [],
    {},
    [None],
    {"en": None},
    "\x00",
)


@dataclass(frozen=True, kw_only=True)
class ConformanceResult:
    """One thing that was checked.

    :param fault: what is wrong, in one line; "" if nothing is.
    """

    what: str
    fault: str = ""


class ConformanceError(Exception):
    """The check has failed, with one line that says how."""


def check_plugin(path: Path) -> Iterator[ConformanceResult]:
    """Yield a finding for each thing that is checked of the plugin at ``path``.

    Its samples lie beside it: ``NAME.sample.json`` for ``NAME.py``, or with any other ending.
    """
    suite = _ConformanceSuite(path)
    for what, step in (
        ("it loads and offers a parser with a name of its own", suite.loads),
        ("it recognises its own sample, and surer than all others", suite.recognises),
        ("it recognises no other format", suite.knows_strangers),
        ("it reads talks, aware and in UTC, in order", suite.reads),
        ("its guids are the same on every import", suite.is_stable),
        ("it survives what is broken, and stays within the limits", suite.survives),
    ):
        try:
            step()
        except (ConformanceError, FeedError, PluginError) as fault:
            yield ConformanceResult(what=what, fault=str(fault))
            # What comes after builds on what came before.
            return
        yield ConformanceResult(what=what)


class _ConformanceSuite:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.samples: list[tuple[Path, bytes]] = []
        self.readings: list[ParsedFeed] = []

    def loads(self) -> None:
        if not self.path.is_file():
            raise ConformanceError(f"{self.path} is not there")
        self.names = _run_limited(_parser_names, self.path)
        if not self.names:
            raise ConformanceError("register_parsers() offers nothing")
        found = sorted(self.path.parent.glob(f"{self.path.stem}.sample.*"))
        self.samples = [(sample, sample.read_bytes()) for sample in found]
        if not self.samples:
            raise ConformanceError(
                f"there is no sample: put a small feed into {self.path.stem}.sample.json"
            )

    def recognises(self) -> None:
        for sample, data in self.samples:
            winner = _run_limited(_most_confident_parsers, self.path, data)
            if winner not in self.names:
                raise ConformanceError(f"{sample.name} is recognised as {winner or 'nothing'}")

    def knows_strangers(self) -> None:
        for stranger in FOREIGN_FEEDS:
            taken = _run_limited(_recognising_parser, self.path, stranger, self.names)
            if taken:
                raise ConformanceError(f"{taken} recognises {stranger[:60]!r}")

    def reads(self) -> None:
        for sample, data in self.samples:
            reading = _parse_feed(self.path, data)
            self.readings.append(reading)
            talks = reading.checked.talks
            if talks != tuple(sorted(talks, key=lambda talk: (talk.start, talk.end))):
                raise ConformanceError(f"{sample.name}: the talks are not in order")
            if left_out := reading.checked.skipped:
                first = left_out[0]
                raise ConformanceError(f"{sample.name}: {first.where} is left out: {first.reason}")

    def is_stable(self) -> None:
        for (sample, data), reading in zip(self.samples, self.readings, strict=True):
            again = _parse_feed(self.path, data)
            if _guids(again.checked.talks) != _guids(reading.checked.talks):
                raise ConformanceError(f"{sample.name}: the guids of two imports differ")

    def survives(self) -> None:
        for sample, data in self.samples:
            for mutant in _mutants(data):
                try:
                    _parse_feed(self.path, mutant, self.names[0])
                except FeedError as error:
                    # To refuse a broken feed is right; to fail on it, or to hang, is not.
                    if re.search(r"the parser .* failed|took longer|memory|died", str(error)):
                        raise ConformanceError(f"{sample.name}, broken: {error}") from None


def _run_limited(job: Callable[..., Any], *arguments: Any) -> Any:
    return run_sandboxed(job, arguments, LIMITS)


def _parsers_with_plugin(path: Path) -> dict[str, RegisteredParser]:
    """Return the parsers of one plugin, together with the built-in and installed ones."""
    return dict(registered_parsers(create_plugin_manager(path.parent, only=path)))


def _parser_names(path: Path) -> list[str]:
    return [name for name, found in _parsers_with_plugin(path).items() if found.origin == str(path)]


def _most_confident_parsers(path: Path, data: bytes) -> str:
    feed = open_feed(data, "sample")
    sure = {
        name: float(found.parser.recognise(feed))
        for name, found in _parsers_with_plugin(path).items()
    }
    best = max(sure.values())
    winners = [name for name, value in sure.items() if value == best and value > 0]
    return " and ".join(winners)


def _recognising_parser(path: Path, data: bytes, names: list[str]) -> str:
    feed, parsers = open_feed(data, "stranger"), _parsers_with_plugin(path)
    return next((name for name in names if parsers[name].parser.recognise(feed) > 0), "")


def _parse_feed(path: Path, data: bytes, format_: str = "") -> ParsedFeed:
    reader = FeedReaderOptions(plugins=path.parent, only=path, format=format_, limits=LIMITS)
    # A feed without offsets gets its zone from the configuration; here, any will do.
    return parse_feed("sample", data, reader, ZoneInfo("UTC"))


def _guids(talks: tuple[Talk, ...]) -> list[str]:
    return [replace(talk, where="").guid for talk in talks]


def _mutants(data: bytes) -> Iterator[bytes]:
    """Yield broken versions of a feed: cut, and with a wrong value in every place."""
    for cut in (1, len(data) // 2, len(data) - 2):
        yield data[:cut]
    try:
        document = json.loads(data)
    except ValueError:
        return
    paths = list(_value_paths(document))
    step = max(1, len(paths) * len(INVALID_VALUES) // MAX_MUTANTS)
    for number, (path, wrong) in enumerate((p, w) for p in paths for w in INVALID_VALUES):
        if number % step == 0:
            yield json.dumps(_replace_value(document, path, wrong)).encode()


def _value_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        yield (*path, key)
        yield from _value_paths(inner, (*path, key))


def _replace_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    key, *rest = path
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[key] = _replace_value(document[key], tuple(rest), value)
    return copy
