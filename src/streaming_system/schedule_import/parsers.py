"""Selects the parser of a feed, and runs it."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pluggy

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import Feed, FeedError
from streaming_system.plugin.hooks import Parser
from streaming_system.plugin.markup import plain_text
from streaming_system.plugin_host.hooks import apply_talk_hooks
from streaming_system.plugin_host.manager import PluginError, call_plugin, create_plugin_manager
from streaming_system.schedule.model import Talk
from streaming_system.schedule_import.similar_formats import similar_formats
from streaming_system.schedule_import.validate import ValidatedTalks, validate_talks
from streaming_system.util.suggestions import did_you_mean

log = logging.getLogger(__name__)

NEW_PARSER_HINT = "to write a parser: streaming-system schedule new-parser NAME"


@dataclass(frozen=True, kw_only=True)
class RegisteredParser:
    """A parser and the origin of its plugin: "built in", a package, or a file."""

    parser: Parser
    origin: str


def load_parsers(plugin_folder: Path | None = None) -> Mapping[str, RegisteredParser]:
    """Load all plugins, and return their parsers by name.

    :param plugin_folder: it can be missing.
    :raises PluginError: if a plugin cannot be loaded, or two register the same name.
    """
    return registered_parsers(create_plugin_manager(plugin_folder))


def registered_parsers(manager: pluggy.PluginManager) -> Mapping[str, RegisteredParser]:
    """Return the parsers of loaded plugins by name.

    :raises PluginError: if two plugins register the same name, or one returns an invalid value.
    """
    parsers: dict[str, RegisteredParser] = {}
    for impl in manager.hook.register_parsers.get_hookimpls():
        origin = impl.plugin_name
        for parser in call_plugin(origin, impl.function):
            if not isinstance(parser, Parser):
                raise PluginError(f"{origin}: register_parsers must return a list of Parser")
            if parser.name in parsers:
                raise PluginError(
                    f"{origin}: offers a parser called {parser.name!r}, "
                    f"as does {parsers[parser.name].origin}"
                )
            parsers[parser.name] = RegisteredParser(parser=parser, origin=origin)
    return dict(sorted(parsers.items()))


def select_parser(
    feed: Feed, parsers: Mapping[str, RegisteredParser], name: str = ""
) -> RegisteredParser:
    """Return the parser for a feed.

    :param name: the configured ``schedule-format``; "" to recognise the feed.
    :raises FeedError: if the named parser is unknown, if no parser or several recognise the feed,
        or if the feed is empty.
    """
    if name:
        if name not in parsers:
            raise FeedError(
                f"there is no format called {name!r}; {did_you_mean(name, parsers)}"
                f"schedule-format may be: {', '.join(parsers)}; {NEW_PARSER_HINT}"
            )
        return parsers[name]
    confidence = {key: _confidence(candidate, feed) for key, candidate in parsers.items()}
    best = max(confidence.values(), default=0.0)
    if best <= 0:
        if isinstance(feed.json, list) and is_empty_document(feed.json):
            raise FeedError("the feed lists no talk at all")
        raise FeedError(
            f"no parser recognises this {feed.kind} document; "
            f"{_describe_similar_formats(feed, parsers)}{NEW_PARSER_HINT}"
        )
    winners = [key for key, value in confidence.items() if value == best]
    if len(winners) > 1:
        raise FeedError(
            f"several parsers are equally sure of this {feed.kind} document: "
            f"{', '.join(winners)}; choose one by schedule-format"
        )
    return parsers[winners[0]]


def parse_and_validate(
    feed: Feed,
    chosen: RegisteredParser,
    timezone: ZoneInfo | None = None,
    columns: Mapping[str, str] | None = None,
    manager: pluggy.PluginManager | None = None,
    default_rooms: tuple[str, ...] = (),
) -> tuple[ValidatedTalks, ParseContext]:
    """Parse a feed and validate its talks.

    :param timezone: the configured zone of times without offset.
    :param columns: the configured column map of a table.
    :param manager: the plugins that can hide and change talks.
    :param default_rooms: possible names of the room of talks without one, the best first.
    :raises FeedError: if the feed is invalid, or the parser fails.
    :raises PluginError: if a hook fails.
    """
    context = ParseContext(timezone, columns)
    for warning in feed.warnings:
        context.warn(warning)
    try:
        talks: Iterable[Talk] = (
            talk if context.has_plain_texts else _plain_texts(talk)
            for talk in chosen.parser.parse(feed, context)
        )
        if manager is not None:
            talks = apply_talk_hooks(manager, talks, context)
        return validate_talks(talks, context, default_rooms), context
    except (FeedError, PluginError, MemoryError):
        raise
    except Exception as error:
        # Parsers are untrusted: report each exception in one line with the parser's name.
        log.debug("parser %s failed", chosen.parser.name, exc_info=True)
        if not _confidence(chosen, feed):
            parsers = registered_parsers(manager) if manager else {}
            raise FeedError(
                f"this {feed.kind} document is not what the parser {chosen.parser.name!r} reads; "
                f"{_describe_similar_formats(feed, parsers)}{NEW_PARSER_HINT}"
            ) from error
        # The message helps the author of a plugin, not the organiser.
        detail = "" if chosen.origin.startswith("built in") else f": {error!s:.200}"
        raise FeedError(
            f"the parser {chosen.parser.name!r} ({chosen.origin}) failed: "
            f"{type(error).__name__}{detail}"
        ) from error


def _describe_similar_formats(feed: Feed, parsers: Mapping[str, RegisteredParser]) -> str:
    candidates = {name: registered.parser for name, registered in parsers.items()}
    if names := similar_formats(feed, candidates):
        return f"closest known formats: {', '.join(names)}; "
    return f"tried: {', '.join(parsers)}; " if parsers else ""


def is_empty_document(document: Any) -> bool:
    """Return whether a JSON document has lists and objects, and no value in them."""
    inner = [document]
    while inner:
        value = inner.pop()
        if isinstance(value, dict):
            inner.extend(value.values())
        elif isinstance(value, list):
            inner.extend(value)
        elif value is not None:
            return False
    return True


def _plain_texts(talk: Talk) -> Talk:
    """Return a talk with its titles and names as plain text; feeds of all formats have markup."""
    names = (talk.title, talk.subtitle, talk.track, talk.talk_type, talk.url)
    if not any("&" in name or "<" in name for name in (*names, *talk.rooms, *talk.speakers)):
        return talk
    return replace(
        talk,
        title=plain_text(talk.title),
        subtitle=plain_text(talk.subtitle),
        rooms=tuple(map(plain_text, talk.rooms)),
        speakers=tuple(map(plain_text, talk.speakers)),
        track=plain_text(talk.track),
        talk_type=plain_text(talk.talk_type),
        url=talk.url.replace("&amp;", "&"),
    )


def _confidence(candidate: RegisteredParser, feed: Feed) -> float:
    try:
        return float(candidate.parser.recognise(feed))
    except Exception:
        # A broken plugin must not prevent other parsers from recognising the feed.
        log.warning(
            "the parser %r (%s) failed to recognise the feed and is ignored",
            candidate.parser.name,
            candidate.origin,
            exc_info=True,
        )
        return 0.0
