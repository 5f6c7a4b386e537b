"""Conformance checks for parser plugins."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import FeedError, open_feed
from streaming_system.plugin.skipped_entry import SkippedEntry
from streaming_system.plugin_host.manager import (
    PluginError,
    create_plugin_manager,
    load_built_in_plugins,
)
from streaming_system.plugin_host.sandbox import (
    ResourceLimits,
    SandboxError,
    iterate_sandboxed,
    run_sandboxed,
)
from streaming_system.schedule.model import Talk
from streaming_system.schedule_import.feed_reader import (
    FeedReaderOptions,
    ParsedFeed,
    parse_feed,
    parse_with_plugins,
)
from streaming_system.schedule_import.parsers import RegisteredParser, registered_parsers

# Enough for a feed of a few talks.
LIMITS = ResourceLimits(timeout=5, max_memory_bytes=500 * 2**20)
MAX_MUTANTS = 60
# The zone of feeds without offsets.
ZONE = ZoneInfo("UTC")

# Documents of other formats, and of formats that look similar.
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
# Values that replace each value of a sample.
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
    """The result of one check.

    :param check: the requirement.
    :param failure: one line; "" if the plugin meets the requirement.
    """

    check: str
    failure: str = ""


class ConformanceError(Exception):
    """A plugin does not meet a requirement; the message is one line."""


def check_plugin(path: Path) -> Iterator[ConformanceResult]:
    """Check the plugin at ``path``, and yield the results until the first failure.

    Its samples are files beside it: ``NAME.sample.json`` for ``NAME.py``, or another extension. An
    entry of a sample may be skipped by the parser. A plugin without a parser only has to load.

    :param path: a file of the plugin folder, or of an installed plugin.
    """
    load_built_in_plugins()
    suite = _ConformanceSuite(path)
    for check, run in (
        ("it loads and offers a parser with a name of its own", suite.loads),
        ("it recognises its own sample, and surer than all others", suite.recognises_samples),
        ("it recognises no other format", suite.rejects_other_formats),
        ("it reads talks, aware and in UTC, in order", suite.parses_samples),
        ("its guids are the same on every import", suite.is_deterministic),
        ("it survives what is broken, and stays within the limits", suite.survives_mutations),
    ):
        try:
            run()
        except (ConformanceError, FeedError, PluginError, SandboxError) as error:
            yield ConformanceResult(check=check, failure=str(error))
            return
        if not suite.names:
            hooks = ", ".join(suite.hooks)
            yield ConformanceResult(check=f"it loads and implements {hooks}; it has no parser")
            return
        yield ConformanceResult(check=check)


class _ConformanceSuite:
    """The checks, in order: each one uses results of the previous ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.names: list[str] = []
        self.hooks: list[str] = []
        self.samples: list[tuple[Path, bytes]] = []
        self.parsed: list[ParsedFeed] = []

    def loads(self) -> None:
        if not self.path.is_file():
            raise ConformanceError(f"{self.path} is not there")
        self.hooks, self.names = _run_limited(_hooks_and_parser_names, self.path)
        if not self.hooks:
            raise ConformanceError("it implements no hook: is @hookimpl missing?")
        if not self.names:
            if "register_parsers" in self.hooks:
                raise ConformanceError("register_parsers() offers nothing")
            return
        name = self.path.stem
        if name == "__init__":
            name = self.path.resolve().parent.name
        samples = sorted(self.path.parent.glob(f"{name}.sample.*"))
        self.samples = [(sample, sample.read_bytes()) for sample in samples]
        if not self.samples:
            raise ConformanceError(f"there is no sample: put a small feed into {name}.sample.json")

    def recognises_samples(self) -> None:
        for sample, data in self.samples:
            winner = _run_limited(_most_confident_parsers, self.path, data)
            if winner not in self.names:
                raise ConformanceError(f"{sample.name} is recognised as {winner or 'nothing'}")

    def rejects_other_formats(self) -> None:
        names = iterate_sandboxed(
            "the check", _recognising_parsers, (self.path, FOREIGN_FEEDS, self.names), LIMITS
        )
        for feed, name in zip(FOREIGN_FEEDS, names, strict=True):
            if name:
                raise ConformanceError(f"{name} recognises {feed[:60]!r}")

    def parses_samples(self) -> None:
        for sample, data in self.samples:
            parsed = _parse_feed(self.path, data)
            self.parsed.append(parsed)
            talks = parsed.validated.talks
            if talks != tuple(sorted(talks, key=lambda talk: (talk.start, talk.end))):
                raise ConformanceError(f"{sample.name}: the talks are not in order")
            skipped_by_parser = _run_limited(_skipped_entries, self.path, data, parsed.format)
            for entry in parsed.validated.skipped:
                # A value that cannot be read may be a fault of the parser, not of the sample.
                is_intended = entry in skipped_by_parser and entry.reason != "bad-value"
                if not is_intended and entry.reason != "not-accepted":
                    raise ConformanceError(
                        f"{sample.name}: {entry.location} is left out: {entry.reason}"
                    )

    def is_deterministic(self) -> None:
        for (sample, data), parsed in zip(self.samples, self.parsed, strict=True):
            again = _parse_feed(self.path, data)
            if _guids(again.validated.talks) != _guids(parsed.validated.talks):
                raise ConformanceError(f"{sample.name}: the guids of two imports differ")

    def survives_mutations(self) -> None:
        for sample, data in self.samples:
            arguments = self.path, list(_mutants(data)), self.names[0]
            try:
                for error in iterate_sandboxed("reading it", _parse_errors, arguments, LIMITS):
                    # The parser can reject a broken feed; it must not fail.
                    if re.search(r"the parser .* failed", error):
                        raise ConformanceError(f"{sample.name}, broken: {error}")
            except SandboxError as error:
                raise ConformanceError(f"{sample.name}, broken: {error}") from None


def _run_limited(function: Callable[..., Any], *arguments: Any) -> Any:
    return run_sandboxed("the check", function, arguments, LIMITS)


def _parsers_with_plugin(path: Path) -> dict[str, RegisteredParser]:
    """Return the parsers of one plugin, and the built-in and installed ones."""
    return dict(registered_parsers(create_plugin_manager(path.parent, only_plugin=path)))


def _hooks_and_parser_names(path: Path) -> tuple[list[str], list[str]]:
    manager = create_plugin_manager(path.parent, only_plugin=path)
    callers = manager.get_hookcallers(manager.get_plugin(str(path))) or []
    parsers = registered_parsers(manager)
    names = [name for name, registered in parsers.items() if registered.origin == str(path)]
    return sorted(caller.name for caller in callers), names


def _skipped_entries(path: Path, data: bytes, parser: str) -> list[SkippedEntry]:
    """Return the entries that the parser itself skips."""
    context = ParseContext(ZONE)
    for _ in _parsers_with_plugin(path)[parser].parser.parse(open_feed(data, "sample"), context):
        pass
    return context.skipped


def _most_confident_parsers(path: Path, data: bytes) -> str:
    feed = open_feed(data, "sample")
    confidence = {
        name: float(registered.parser.recognise(feed))
        for name, registered in _parsers_with_plugin(path).items()
    }
    best = max(confidence.values())
    return " and ".join(name for name, value in confidence.items() if value == best and value > 0)


def _recognising_parsers(path: Path, feeds: tuple[bytes, ...], names: list[str]) -> Iterator[str]:
    """Yield for each feed the first of the named parsers that recognises it, or ""."""
    parsers = _parsers_with_plugin(path)
    for data in feeds:
        feed = open_feed(data, "another format")
        yield next((name for name in names if parsers[name].parser.recognise(feed) > 0), "")


def _parse_errors(path: Path, mutants: list[bytes], parser: str) -> Iterator[str]:
    """Yield for each broken feed the error of the parser, or ""."""
    options, manager = _options(path, parser), create_plugin_manager(path.parent, only_plugin=path)
    for mutant in mutants:
        try:
            parse_with_plugins(manager, "sample", mutant, options, ZONE)
        except FeedError as error:
            yield str(error)
        else:
            yield ""


def _parse_feed(path: Path, data: bytes) -> ParsedFeed:
    return parse_feed("sample", data, _options(path), ZONE)


def _options(path: Path, parser: str = "") -> FeedReaderOptions:
    return FeedReaderOptions(
        plugin_folder=path.parent, only_plugin=path, format=parser, limits=LIMITS
    )


def _guids(talks: tuple[Talk, ...]) -> list[str]:
    return [talk.guid for talk in talks]


def _mutants(data: bytes) -> Iterator[bytes]:
    """Yield broken versions of a feed: truncated ones, and ones with an invalid value."""
    for length in (1, len(data) // 2, len(data) - 2):
        yield data[:length]
    try:
        document = json.loads(data)
    except ValueError:
        return
    mutations = [(path, value) for path in _value_paths(document) for value in INVALID_VALUES]
    for path, value in mutations[:: max(1, len(mutations) // MAX_MUTANTS)]:
        yield json.dumps(_replace_value(document, path, value)).encode()


def _value_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a JSON document."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        yield (*path, key)
        yield from _value_paths(inner, (*path, key))


def _replace_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a JSON document with another value at a path."""
    if not path:
        return value
    key, *rest = path
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[key] = _replace_value(document[key], tuple(rest), value)
    return copy
