"""Parses feeds in a sandbox, because feeds and plugins are untrusted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pluggy

from streaming_system.net.ssrf import Networks
from streaming_system.plugin.feed import FeedError, open_feed
from streaming_system.plugin_host.manager import PluginError, create_plugin_manager
from streaming_system.plugin_host.sandbox import ResourceLimits, SandboxError, run_sandboxed
from streaming_system.schedule_import.download import fetch_feed
from streaming_system.schedule_import.pages import fetch_pages
from streaming_system.schedule_import.parsers import (
    parse_and_validate,
    registered_parsers,
    select_parser,
)
from streaming_system.schedule_import.validate import ValidatedTalks


@dataclass(frozen=True, kw_only=True)
class FeedReaderOptions:
    """How to fetch and parse feeds, from the ini and the configuration.

    :param plugin_folder: the folder of plugins.
    :param only_plugin: the only file of that folder to load.
    :param format: name of the parser; "" to recognise the feed.
    :param columns: the column map of a table.
    :param allowed_networks: private networks that feeds may come from.
    :param allow_sample: import feeds of made-up talks, too.
    """

    plugin_folder: Path | None = None
    only_plugin: Path | None = None
    format: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    allowed_networks: Networks = ()
    allow_sample: bool = False


@dataclass(frozen=True, kw_only=True)
class ParsedFeed:
    """A parsed and validated feed.

    :param format: name of the parser.
    :param timezone: the zone that the feed names.
    :param is_sample: whether its talks are made up, for trials.
    """

    format: str
    validated: ValidatedTalks
    timezone: ZoneInfo | None = None
    is_sample: bool = False


def parse_feed(
    source: str,
    data: bytes,
    options: FeedReaderOptions,
    timezone: ZoneInfo | None = None,
    default_rooms: tuple[str, ...] = (),
) -> ParsedFeed:
    """Parse and validate a feed in a sandbox.

    :param source: URL or path, for messages.
    :param timezone: the configured zone of times without offset.
    :param default_rooms: possible names of the room of talks without one, the best first.
    :raises FeedError: if it is invalid, or exceeds a limit.
    :raises PluginError: if a plugin cannot be loaded, or a hook fails.
    """
    try:
        parsed: ParsedFeed = run_sandboxed(
            "reading it",
            _parse_in_sandbox,
            (source, data, options, timezone, default_rooms),
            options.limits,
        )
    except SandboxError as error:
        raise FeedError(str(error)) from error
    return parsed


def fetch_and_parse(
    source: str,
    options: FeedReaderOptions,
    timezone: ZoneInfo | None = None,
    default_rooms: tuple[str, ...] = (),
) -> ParsedFeed:
    """Fetch a feed with its pages, and parse it with :func:`parse_feed`."""
    fetch = partial(
        fetch_feed,
        max_bytes=options.limits.max_download_bytes,
        timeout=options.limits.timeout,
        allowed_networks=options.allowed_networks,
    )
    data = fetch_pages(source, fetch, options.limits)
    return parse_feed(source, data, options, timezone, default_rooms)


def _parse_in_sandbox(
    source: str,
    data: bytes,
    options: FeedReaderOptions,
    timezone: ZoneInfo | None,
    default_rooms: tuple[str, ...],
) -> ParsedFeed:
    manager = create_plugin_manager(options.plugin_folder, options.only_plugin)
    return parse_with_plugins(manager, source, data, options, timezone, default_rooms)


def parse_with_plugins(
    manager: pluggy.PluginManager,
    source: str,
    data: bytes,
    options: FeedReaderOptions,
    timezone: ZoneInfo | None = None,
    default_rooms: tuple[str, ...] = (),
) -> ParsedFeed:
    """Parse and validate a feed in this process, which must be a sandbox.

    :param manager: the loaded plugins; the other parameters and errors are those of
        :func:`parse_feed`.
    """
    feed = open_feed(data, source, max_bytes=options.limits.max_decompressed_bytes)
    chosen = select_parser(feed, registered_parsers(manager), options.format)
    validated, context = parse_and_validate(
        feed, chosen, timezone, options.columns, manager, default_rooms
    )
    return ParsedFeed(
        format=chosen.parser.name,
        validated=validated,
        timezone=context.feed_timezone,
        is_sample=chosen.parser.is_sample,
    )


def is_sample_feed(source: str, options: FeedReaderOptions) -> bool:
    """Return whether the talks of a local feed are made up, for trials.

    A feed that cannot be read is none: its import reports the reason.
    """
    try:
        data = fetch_feed(source, max_bytes=options.limits.max_download_bytes)
        is_sample: bool = run_sandboxed(
            "recognising it", _is_sample_in_sandbox, (source, data, options), options.limits
        )
    except (FeedError, PluginError, SandboxError):
        return False
    return is_sample


def _is_sample_in_sandbox(source: str, data: bytes, options: FeedReaderOptions) -> bool:
    feed = open_feed(data, source, max_bytes=options.limits.max_decompressed_bytes)
    manager = create_plugin_manager(options.plugin_folder)
    return select_parser(feed, registered_parsers(manager), options.format).parser.is_sample
