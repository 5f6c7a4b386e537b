"""All that the author of a parser plugin needs, and nothing else.

A plugin offers parsers through :func:`register_parsers`; a parser recognises a feed and reads
talks from it. ``docs/parsers.md`` takes you from an empty file to a deployed plugin.
"""

from streaming_system.net.ssrf import guarded_pool, private_networks
from streaming_system.plugin.context import Context, Skip, SkipReason
from streaming_system.plugin.feed import Feed, FeedError, read_feed
from streaming_system.plugin.hooks import (
    Parser,
    encoder_sources,
    event_enrich,
    event_filter,
    hookimpl,
    notify,
    notify_incident,
    register_parsers,
    room_aliases,
)
from streaming_system.plugin.incident import Incident
from streaming_system.plugin.markup import from_html, from_markdown, from_plain, from_unmarked
from streaming_system.plugin.stats_source import (
    Option,
    Probe,
    Reading,
    Source,
    SourceError,
    moment,
    whole_list,
    whole_object,
)
from streaming_system.plugin.values import parse_duration, recording_refused, text, texts
from streaming_system.schedule.diff import Change
from streaming_system.schedule.model import Talk

__all__ = [
    "Change",
    "Context",
    "Feed",
    "FeedError",
    "Incident",
    "Option",
    "Parser",
    "Probe",
    "Reading",
    "Skip",
    "SkipReason",
    "Source",
    "SourceError",
    "Talk",
    "encoder_sources",
    "event_enrich",
    "event_filter",
    "from_html",
    "from_markdown",
    "from_plain",
    "from_unmarked",
    "guarded_pool",
    "hookimpl",
    "moment",
    "notify",
    "notify_incident",
    "parse_duration",
    "private_networks",
    "read_feed",
    "recording_refused",
    "register_parsers",
    "room_aliases",
    "text",
    "texts",
    "whole_list",
    "whole_object",
]
