"""Reads a feed in a process of its own, with limits: feeds lie, and plugins are strangers' code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.net.ssrf import Networks
from streaming_system.plugin.feed import open_feed
from streaming_system.plugin_host.manager import create_plugin_manager
from streaming_system.plugin_host.sandbox import ResourceLimits, run_sandboxed
from streaming_system.schedule_import.download import fetch_feed
from streaming_system.schedule_import.parsers import (
    parse_and_validate,
    registered_parsers,
    select_parser,
)
from streaming_system.schedule_import.validate import ValidatedTalks


@dataclass(frozen=True, kw_only=True)
class FeedReaderOptions:
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
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    networks: Networks = ()


@dataclass(frozen=True, kw_only=True)
class ParsedFeed:
    """A feed that has been read.

    :param format: the name of the parser.
    :param zone: the zone that the feed names for itself.
    """

    format: str
    checked: ValidatedTalks
    zone: ZoneInfo | None = None


def parse_feed(
    source: str, data: bytes, reader: FeedReaderOptions, timezone: ZoneInfo | None = None
) -> ParsedFeed:
    """Read and check a feed in a process of its own.

    :raises FeedError: if it cannot be used, or costs more than the limits allow.
    :raises PluginError: if a plugin cannot be loaded.
    """
    reading: ParsedFeed = run_sandboxed(
        _parse_in_sandbox, (source, data, reader, timezone), reader.limits
    )
    return reading


def fetch_and_parse(
    source: str, reader: FeedReaderOptions, timezone: ZoneInfo | None = None
) -> ParsedFeed:
    """Fetch a feed, then do what :func:`parse_feed` does."""
    limits = reader.limits
    data = fetch_feed(
        source, limit=limits.download, seconds=limits.seconds, networks=reader.networks
    )
    return parse_feed(source, data, reader, timezone)


def _parse_in_sandbox(
    source: str, data: bytes, reader: FeedReaderOptions, timezone: ZoneInfo | None
) -> ParsedFeed:
    feed = open_feed(data, source, max_inflated=reader.limits.inflated)
    manager = create_plugin_manager(reader.plugins, reader.only)
    found = select_parser(feed, registered_parsers(manager), reader.format)
    checked, context = parse_and_validate(feed, found, timezone, reader.columns, manager)
    return ParsedFeed(format=found.parser.name, checked=checked, zone=context.feed_timezone)
