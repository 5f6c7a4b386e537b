"""Finds parser plugins and lets the right one read a feed. Private: plugins import `plugin`."""

import importlib
import importlib.metadata
import importlib.util
import logging
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import pluggy

from streaming_system import plugin_hooks
from streaming_system.plugin import hooks
from streaming_system.plugin.context import Context
from streaming_system.plugin.feed import Feed, FeedError
from streaming_system.plugin.hooks import PROJECT, Parser
from streaming_system.schedule.check import Checked, check

log = logging.getLogger(__name__)

BUILT_IN = "streaming_system.parsers"
ENTRY_POINTS = "streaming_system"


class PluginError(Exception):
    """A plugin that cannot be used, with one line that names it."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A parser, and where its plugin comes from: "built in", a package, or a file."""

    parser: Parser
    origin: str


def plugin_manager(
    folder: Path | None = None, only: Path | None = None, built_in: str = BUILT_IN
) -> pluggy.PluginManager:
    """Return a new manager with all plugins: built in, installed, and dropped into ``folder``.

    They are loaded in the order of their names, so that it is the same on every machine. A file
    called ``test_…`` is a plugin's test, and no plugin.

    :param only: of the files in the folder, load this one alone.
    :param built_in: the package of the built-in plugins.
    :raises PluginError: if one cannot be loaded or implements a hook that does not exist.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    package = importlib.import_module(built_in)
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        plugin = importlib.import_module(f"{built_in}.{module}")
        _register(manager, plugin, f"built in ({module}.py)")
    for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda p: p.name):
        origin = f"package {point.dist.name if point.dist else point.value}"
        _register(manager, _guarded(origin, point.load), origin)
    for path in sorted(folder.glob("*.py")) if folder and folder.is_dir() else []:
        if path == only or (only is None and not path.name.startswith("test_")):
            _register(manager, _load_file(path), str(path))
    return manager


def find_parsers(folder: Path | None = None) -> Mapping[str, Found]:
    """Return every parser there is, by name.

    :param folder: where plugins are dropped in; it need not exist.
    :raises PluginError: if a plugin cannot be loaded, or two offer the same name.
    """
    return parsers_of(plugin_manager(folder))


def parsers_of(manager: pluggy.PluginManager) -> Mapping[str, Found]:
    """Return the parsers of a manager's plugins, by name.

    :raises PluginError: if two plugins offer the same name, or one offers something else.
    """
    found: dict[str, Found] = {}
    for offer in manager.hook.register_parsers.get_hookimpls():
        origin = offer.plugin_name
        for parser in _guarded(origin, offer.function):
            if not isinstance(parser, Parser):
                raise PluginError(f"{origin}: register_parsers must return a list of Parser")
            if parser.name in found:
                raise PluginError(
                    f"{origin}: offers a parser called {parser.name!r}, "
                    f"as does {found[parser.name].origin}"
                )
            found[parser.name] = Found(parser=parser, origin=origin)
    return dict(sorted(found.items()))


def choose(feed: Feed, parsers: Mapping[str, Found], name: str = "") -> Found:
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


def read_talks(
    feed: Feed,
    found: Found,
    timezone: ZoneInfo | None = None,
    columns: Mapping[str, str] | None = None,
    manager: pluggy.PluginManager | None = None,
) -> tuple[Checked, Context]:
    """Let a parser read a feed, and check what it yields.

    :param timezone: the configured zone for times without offset.
    :param columns: the configured columns of a table.
    :param manager: whose plugins may hide and change talks; nobody's, unless given.
    :raises FeedError: if the feed cannot be used, or the parser fails.
    """
    context = Context(timezone, columns)
    try:
        talks = found.parser.parse(feed, context)
        if manager is not None:
            talks = plugin_hooks.apply(manager, talks, context)
        return check(talks, context, feed.source), context
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


def _confidence(found: Found, feed: Feed) -> float:
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


def _register(manager: pluggy.PluginManager, plugin: ModuleType, origin: str) -> None:
    try:
        manager.register(plugin, name=origin)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{origin}: {error!s:.200}") from None


def _load_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"streaming_system_dropped_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise PluginError(f"{path}: cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    loader = spec.loader
    _guarded(str(path), lambda: loader.exec_module(module))
    return module


def _guarded(origin: str, call: Callable[[], Any]) -> Any:
    """Call a plugin's code; whatever it raises becomes one line that names the plugin."""
    try:
        return call()
    except Exception as error:
        log.debug("plugin %s failed", origin, exc_info=True)
        raise PluginError(f"{origin}: {type(error).__name__}: {error!s:.200}") from error
