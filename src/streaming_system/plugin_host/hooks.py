"""Calls the hooks beyond parsing: what plugins make of talks, and whom they tell of changes."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pluggy

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin.incident import Incident
from streaming_system.schedule.diff import Change
from streaming_system.schedule.model import Talk

log = logging.getLogger(__name__)


def apply_talk_hooks(
    manager: pluggy.PluginManager, talks: Iterable[Talk], context: ParseContext
) -> Iterator[Talk]:
    """Yield talks with their rooms mapped, without those that are hidden, changed where wanted.

    :raises FeedError: if a plugin raises or returns something else than it should; it is named.
    """
    aliases = _collect_room_aliases(manager)
    filters = manager.hook.event_filter.get_hookimpls()
    enrichers = manager.hook.event_enrich.get_hookimpls()
    for talk in talks:
        if aliases:
            talk = replace(talk, rooms=_map_rooms(talk.rooms, aliases))
        hider = next((impl for impl in filters if _call_hook(impl, talk=talk) is False), None)
        if hider is not None:
            context.skip("not-accepted", talk.where, talk.title, f"hidden by {hider.plugin_name}")
            continue
        for impl in enrichers:
            changed = _call_hook(impl, talk=talk)
            if changed is not None and not isinstance(changed, Talk):
                raise FeedError(f"{impl.plugin_name}: event_enrich must return a Talk or None")
            talk = changed or talk
        yield talk


def notify_changes(
    manager: pluggy.PluginManager, changes: Sequence[Change], zones: Mapping[str, ZoneInfo]
) -> None:
    """Tell every plugin that wants to hear it what has changed; the log names one that fails."""
    for impl in manager.hook.notify.get_hookimpls():
        try:
            _call_hook(impl, changes=changes, zones=zones)
        except FeedError as error:
            log.warning("%s", error)


def incident_subscribers(manager: pluggy.PluginManager) -> list[str]:
    """Return the names of the plugins that want to hear what is wrong."""
    return [impl.plugin_name for impl in manager.hook.notify_incident.get_hookimpls()]


def notify_incident(
    manager: pluggy.PluginManager, name: str, incident: Incident, options: Mapping[str, str]
) -> None:
    """Tell one plugin that something is wrong, or over.

    :raises FeedError: if it fails.
    """
    for impl in manager.hook.notify_incident.get_hookimpls():
        if impl.plugin_name == name:
            _call_hook(impl, incident=incident, options=options)


def _collect_room_aliases(manager: pluggy.PluginManager) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for impl in manager.hook.room_aliases.get_hookimpls():
        found = _call_hook(impl)
        texts = isinstance(found, dict) and all(
            isinstance(text, str) for pair in found.items() for text in pair
        )
        if not texts:
            raise FeedError(f"{impl.plugin_name}: room_aliases must return a dict of texts")
        aliases.update(found)
    return aliases


def _map_rooms(rooms: tuple[str, ...], aliases: Mapping[str, str]) -> tuple[str, ...]:
    names = (" ".join(room.split()) for room in rooms)
    return tuple(filter(None, (aliases.get(name, name) for name in names)))


def _call_hook(impl: pluggy.HookImpl, **arguments: Any) -> Any:
    """Call one plugin's hook with those arguments that it takes."""
    try:
        return impl.function(*(arguments[name] for name in impl.argnames))
    except Exception as error:
        # A plugin is a stranger's code: whatever it raises must end as one line with its name.
        log.debug("%s failed", impl.plugin_name, exc_info=True)
        raise FeedError(
            f"{impl.plugin_name}: a hook failed: {type(error).__name__}: {error!s:.200}"
        ) from error
