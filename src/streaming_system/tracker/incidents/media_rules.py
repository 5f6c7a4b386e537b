"""Rules over what viewers see and hear during a talk: black, frozen and silent streams.

A still picture alone is no fault: slides may stay for minutes. So a picture counts as frozen if the
sound is silent, too, or after a much longer time.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from streaming_system.config import Room
from streaming_system.schedule.model import Slot
from streaming_system.tracker.incidents.component_rules import group_by_machine, is_silent
from streaming_system.tracker.incidents.finding import STABLE_AFTER, IncidentFinding
from streaming_system.tracker.incidents.programme import Programme
from streaming_system.tracker.models import Component

MEDIA_CONDITIONS = ("black", "frozen", "silence")
_SENTENCES: Mapping[str, str] = {
    "black": "The picture of {title} has been black since {time}",
    "frozen": "The picture of {title} has not changed since {time}",
    "silence": "{title} has been silent since {time}",
}


def find_media_problems(
    components: Sequence[Component],
    programme: Programme,
    settings: Mapping[str, Any],
    now: datetime,
) -> Iterator[IncidentFinding]:
    """Yield what is wrong with the pictures and sounds of the rooms with a talk.

    :param settings: provides ``alert.black``, ``alert.frozen``, ``alert.frozen_silent`` and
        ``alert.silence``, in seconds; 0 disables a rule.
    """
    by_room: dict[str, list[Component]] = {}
    for of_machine in group_by_machine(components).values():
        if not is_silent(of_machine, now):
            for component in of_machine:
                by_room.setdefault(component.room, []).append(component)
    for id_, of_room in by_room.items():
        room, talk = programme.rooms.get(id_), programme.current_talk(id_, now)
        if room and talk:
            yield from _RoomMedia(of_room, programme, settings, room, talk, now).findings()


class _RoomMedia:
    """The pictures and sounds of one room during a talk."""

    def __init__(
        self,
        components: Sequence[Component],
        programme: Programme,
        settings: Mapping[str, Any],
        room: Room,
        talk: Slot,
        now: datetime,
    ) -> None:
        self._programme, self._settings = programme, settings
        self._room, self._talk, self._now = room, talk, now
        self._is_recovering = any(
            not each.condition and timedelta() <= now - each.since < STABLE_AFTER
            for each in components
        )
        # The component that has each condition for the longest time.
        self._longest: dict[str, Component] = {}
        for each in sorted(components, key=lambda each: each.since, reverse=True):
            if each.condition and each.since <= now:
                self._longest[each.condition] = each

    def findings(self) -> Iterator[IncidentFinding]:
        for condition in MEDIA_CONDITIONS:
            component = self._longest.get(condition)
            if component is not None and self._lasts(condition, component.since):
                yield self._finding(condition, component)
            elif self._is_recovering:
                yield IncidentFinding(
                    kind=condition, room=self._room.id, summary="", should_open=False
                )

    def _finding(self, condition: str, component: Component) -> IncidentFinding:
        sentence = _SENTENCES[condition].format(
            title=self._room.title, time=self._programme.format_time(self._room, component.since)
        )
        return IncidentFinding(
            kind=condition,
            room=self._room.id,
            summary=f"{sentence}, during “{self._talk.title[:120]}” "
            f"({component.name} on {component.machine}).",
            # An open incident continues in the next talk, without a new delay.
            should_open=self._lasts(condition, max(component.since, self._talk.start)),
        )

    def _lasts(self, condition: str, since: datetime) -> bool:
        """Return whether a condition that began at a time opens an incident by now."""
        if self._has_lasted(since, f"alert.{condition}"):
            return True
        silent = self._longest.get("silence")
        return (
            condition == "frozen"
            and silent is not None
            and self._has_lasted(max(since, silent.since), "alert.frozen_silent")
        )

    def _has_lasted(self, since: datetime, setting: str) -> bool:
        delay = self._settings[setting]
        return delay > 0 and self._now - since >= timedelta(seconds=delay)
