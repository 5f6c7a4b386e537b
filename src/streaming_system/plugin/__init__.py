"""The public API for plugins.

A plugin registers parsers through :func:`register_parsers`; a parser recognises a feed and yields
its talks. ``docs/how-to/parsers.md`` explains how to write, test and deploy one.
"""

from streaming_system.net.ssrf import parse_allowed_networks, safe_pool_manager
from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import Feed, FeedError, open_feed
from streaming_system.plugin.hooks import (
    API_VERSION,
    Parser,
    enrich_talk,
    filter_talk,
    hookimpl,
    incident_changed,
    register_parsers,
    register_stats_sources,
    room_aliases,
    schedule_changed,
)
from streaming_system.plugin.incident import Incident
from streaming_system.plugin.markup import (
    html_from_html,
    html_from_markdown,
    html_from_plain_text,
    html_from_unknown_markup,
    join_abstracts,
)
from streaming_system.plugin.origin import FeedOrigin
from streaming_system.plugin.schedule_day import ScheduleDay
from streaming_system.plugin.skipped_entry import SkipEntryError, SkipReason
from streaming_system.plugin.stats_source import (
    IngestStats,
    InvalidResponseError,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    require_list,
    require_object,
)
from streaming_system.plugin.values import (
    FeedValueError,
    clean_names,
    clean_people,
    clean_str,
    clean_str_list,
    list_items,
    parse_do_not_record,
    parse_duration,
    parse_flag,
    parse_references,
    share_with_keys,
)
from streaming_system.schedule.diff import Change
from streaming_system.schedule.model import Link, Talk
from streaming_system.util.foreign_json import parse_number, parse_timestamp
from streaming_system.util.json_object import JsonObject
from streaming_system.util.time_zones import find_time_zone
from streaming_system.util.user_agents import is_check

__all__ = [
    "API_VERSION",
    "Change",
    "Feed",
    "FeedError",
    "FeedOrigin",
    "FeedValueError",
    "Incident",
    "IngestStats",
    "InvalidResponseError",
    "JsonObject",
    "Link",
    "MountStats",
    "ParseContext",
    "Parser",
    "ScheduleDay",
    "SkipEntryError",
    "SkipReason",
    "SourceError",
    "SourceOption",
    "SourceProbe",
    "StatsSource",
    "Talk",
    "clean_names",
    "clean_people",
    "clean_str",
    "clean_str_list",
    "enrich_talk",
    "filter_talk",
    "find_time_zone",
    "hookimpl",
    "html_from_html",
    "html_from_markdown",
    "html_from_plain_text",
    "html_from_unknown_markup",
    "incident_changed",
    "is_check",
    "join_abstracts",
    "list_items",
    "open_feed",
    "parse_allowed_networks",
    "parse_do_not_record",
    "parse_duration",
    "parse_flag",
    "parse_number",
    "parse_references",
    "parse_timestamp",
    "register_parsers",
    "register_stats_sources",
    "require_list",
    "require_object",
    "room_aliases",
    "safe_pool_manager",
    "schedule_changed",
    "share_with_keys",
]
