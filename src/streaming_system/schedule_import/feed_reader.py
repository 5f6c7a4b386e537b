"""Reads a feed in a process of its own, with limits: feeds lie, and plugins are strangers' code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.net.ssrf import Networks
from streaming_system.plugin.feed import read_feed
from streaming_system.plugin_host.manager import plugin_manager
from streaming_system.plugin_host.sandbox import Limits, run_limited
from streaming_system.schedule_import.download import fetch
from streaming_system.schedule_import.parsers import choose, parsers_of, read_talks
from streaming_system.schedule_import.validate import Checked


@dataclass(frozen=True, kw_only=True)
class Reader:
    """How feeds are read: what the ini and the configuration say.

    :param plugins: the folder of dropped-in plugins.
    :param only: of these, the one to load; all, unless given.
    :param format: the parser to use; "" to recognise the feed.
    :param networks: the private addresses that feeds may come from.
    """

    plugins: Path | None = None
    only: Path | None = None
    format: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    networks: Networks = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A feed that has been read.

    :param format: the name of the parser.
    :param zone: the zone that the feed names for itself.
    """

    format: str
    checked: Checked
    zone: ZoneInfo | None = None


def read(source: str, data: bytes, reader: Reader, timezone: ZoneInfo | None = None) -> Reading:
    """Read and check a feed in a process of its own.

    :raises FeedError: if it cannot be used, or costs more than the limits allow.
    :raises PluginError: if a plugin cannot be loaded.
    """
    reading: Reading = run_limited(_read, (source, data, reader, timezone), reader.limits)
    return reading


def read_source(source: str, reader: Reader, timezone: ZoneInfo | None = None) -> Reading:
    """Fetch a feed, then do what :func:`read` does."""
    limits = reader.limits
    data = fetch(source, limit=limits.download, seconds=limits.seconds, networks=reader.networks)
    return read(source, data, reader, timezone)


def _read(source: str, data: bytes, reader: Reader, timezone: ZoneInfo | None) -> Reading:
    feed = read_feed(data, source, max_inflated=reader.limits.inflated)
    manager = plugin_manager(reader.plugins, reader.only)
    found = choose(feed, parsers_of(manager), reader.format)
    checked, context = read_talks(feed, found, timezone, reader.columns, manager)
    return Reading(format=found.parser.name, checked=checked, zone=context.feed_timezone)
