"""Finds the parsers that plugins offer, and lets the right one read a feed."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pluggy

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import Feed, FeedError
from streaming_system.plugin.hooks import Parser
from streaming_system.plugin_host import hooks
from streaming_system.plugin_host.manager import PluginError, call_plugin, create_plugin_manager
from streaming_system.schedule_import.validate import ValidatedTalks, validate_talks

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class RegisteredParser:
    """A parser, and where its plugin comes from: "built in", a package, or a file."""

    parser: Parser
    origin: str


def load_parsers(folder: Path | None = None) -> Mapping[str, RegisteredParser]:
    """Return every parser there is, by name.

    :param folder: where plugins are dropped in; it need not exist.
    :raises PluginError: if a plugin cannot be loaded, or two offer the same name.
    """
    return registered_parsers(create_plugin_manager(folder))


def registered_parsers(manager: pluggy.PluginManager) -> Mapping[str, RegisteredParser]:
    """Return the parsers of a manager's plugins, by name.

    :raises PluginError: if two plugins offer the same name, or one offers something else.
    """
    found: dict[str, RegisteredParser] = {}
    for offer in manager.hook.register_parsers.get_hookimpls():
        origin = offer.plugin_name
        for parser in call_plugin(origin, offer.function):
            if not isinstance(parser, Parser):
                raise PluginError(f"{origin}: register_parsers must return a list of Parser")
            if parser.name in found:
                raise PluginError(
                    f"{origin}: offers a parser called {parser.name!r}, "
                    f"as does {found[parser.name].origin}"
                )
            found[parser.name] = RegisteredParser(parser=parser, origin=origin)
    return dict(sorted(found.items()))


def select_parser(
    feed: Feed, parsers: Mapping[str, RegisteredParser], name: str = ""
) -> RegisteredParser:
    """Return the parser for a feed.

    :param name: the configured ``schedule-format``, which always wins; "" to recognise the feed.
    :raises FeedError: if there is no such parser, or if none or several recognise the feed.
    """
    if name:
        if name not in parsers:
            raise FeedError(
                f"there is no format called {name!r}; schedule-format may be: {', '.join(parsers)}"
            )
        return parsers[name]
    confidence = {key: _confidence(found, feed) for key, found in parsers.items()}
    best = max(confidence.values(), default=0.0)
    if best <= 0:
        raise FeedError(
            f"no parser recognises this {feed.kind} document; tried: {', '.join(parsers)}"
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
    found: RegisteredParser,
    timezone: ZoneInfo | None = None,
    columns: Mapping[str, str] | None = None,
    manager: pluggy.PluginManager | None = None,
) -> tuple[ValidatedTalks, ParseContext]:
    """Let a parser read a feed, and check what it yields.

    :param timezone: the configured zone for times without offset.
    :param columns: the configured columns of a table.
    :param manager: whose plugins may hide and change talks; nobody's, unless given.
    :raises FeedError: if the feed cannot be used, or the parser fails.
    """
    context = ParseContext(timezone, columns)
    try:
        talks = found.parser.parse(feed, context)
        if manager is not None:
            talks = hooks.apply_talk_hooks(manager, talks, context)
        return validate_talks(talks, context, feed.source), context
    except (FeedError, MemoryError):
        raise
    except Exception as error:
        # A plugin is a stranger's code: whatever it raises must end as one line with its name.
        log.debug("parser %s failed", found.parser.name, exc_info=True)
        if not _confidence(found, feed):
            raise FeedError(
                f"this {feed.kind} document is not what the parser {found.parser.name!r} reads"
            ) from error
        raise FeedError(
            f"the parser {found.parser.name!r} ({found.origin}) failed: "
            f"{type(error).__name__}: {error!s:.200}"
        ) from error


def _confidence(found: RegisteredParser, feed: Feed) -> float:
    try:
        return float(found.parser.recognise(feed))
    except Exception:
        # One broken plugin must not keep the others from reading their feeds.
        log.warning(
            "the parser %r (%s) failed to look at the feed and is left out",
            found.parser.name,
            found.origin,
            exc_info=True,
        )
        return 0.0
