"""Calls the hooks of loaded plugins."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pluggy

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.incident import Incident
from streaming_system.plugin_host.manager import PluginError, call_plugin
from streaming_system.schedule.diff import Change
from streaming_system.schedule.model import Talk

log = logging.getLogger(__name__)


def apply_talk_hooks(
    manager: pluggy.PluginManager, talks: Iterable[Talk], context: ParseContext
) -> Iterator[Talk]:
    """Map the rooms of talks, and yield the talks that no plugin hides, with all changes.

    :raises PluginError: if a hook fails, or returns an invalid value.
    """
    aliases = _collect_room_aliases(manager)
    filters = manager.hook.filter_talk.get_hookimpls()
    enrichers = manager.hook.enrich_talk.get_hookimpls()
    for talk in talks:
        if aliases:
            talk = replace(talk, rooms=_map_rooms(talk.rooms, aliases))
        hider = next((impl for impl in filters if _call_hook(impl, talk=talk) is False), None)
        if hider is not None:
            context.skip(
                "not-accepted", talk.feed_location, talk.title, f"hidden by {hider.plugin_name}"
            )
            continue
        for impl in enrichers:
            changed = _call_hook(impl, talk=talk)
            if changed is not None and not isinstance(changed, Talk):
                raise PluginError(f"{impl.plugin_name}: enrich_talk must return a Talk or None")
            talk = changed or talk
        yield talk


def notify_changes(
    manager: pluggy.PluginManager, changes: Sequence[Change], zones: Mapping[str, ZoneInfo]
) -> None:
    """Notify all subscribers of schedule changes; log the ones that fail."""
    for impl in manager.hook.schedule_changed.get_hookimpls():
        try:
            _call_hook(impl, changes=changes, zones=zones)
        except PluginError as error:
            log.warning("%s", error)


def incident_subscribers(manager: pluggy.PluginManager) -> list[str]:
    """Return the names of the plugins that get incidents."""
    return [impl.plugin_name for impl in manager.hook.incident_changed.get_hookimpls()]


def notify_incident(
    manager: pluggy.PluginManager, name: str, incident: Incident, options: Mapping[str, str]
) -> None:
    """Notify one plugin of an incident.

    :raises PluginError: if it fails.
    """
    for impl in manager.hook.incident_changed.get_hookimpls():
        if impl.plugin_name == name:
            _call_hook(impl, incident=incident, options=options)


def _collect_room_aliases(manager: pluggy.PluginManager) -> dict[str, str]:
    aliases: dict[str, str] = {}
    for impl in manager.hook.room_aliases.get_hookimpls():
        result = _call_hook(impl)
        if not isinstance(result, dict) or not all(
            isinstance(name, str) for pair in result.items() for name in pair
        ):
            raise PluginError(f"{impl.plugin_name}: room_aliases must return a dict of texts")
        aliases.update(result)
    return aliases


def _map_rooms(rooms: tuple[str, ...], aliases: Mapping[str, str]) -> tuple[str, ...]:
    names = (" ".join(room.split()) for room in rooms)
    return tuple(filter(None, (aliases.get(name, name) for name in names)))


def _call_hook(impl: pluggy.HookImpl, **arguments: Any) -> Any:
    """Call one plugin's hook with the arguments in its signature.

    :raises PluginError: if it raises.
    """
    return call_plugin(
        f"{impl.plugin_name}: a hook failed",
        lambda: impl.function(*(arguments[name] for name in impl.argnames)),
    )
