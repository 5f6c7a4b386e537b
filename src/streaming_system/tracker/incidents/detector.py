"""Finds what is wrong in what was reported and what is planned. It writes nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig, Room
from streaming_system.config.stream_sources import has_external_stream
from streaming_system.schedule.model import Schedule, Slot
from streaming_system.tracker.audience.qoe import qoe_metrics
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.endpoints.fallback_groups import room_and_fallbacks
from streaming_system.tracker.endpoints.formats import is_watchable
from streaming_system.tracker.models import Component, Endpoint

# A talk may begin that much before its stream does.
TALK_START_GRACE = timedelta(seconds=60)
# Whoever comes back has to report that long before all is well: at least twice.
STABLE_AFTER = timedelta(seconds=20)
# Whoever says goodbye may be back within that time.
RESTART_GRACE = timedelta(seconds=30)
# After that long in silence, a server is alarming only while its room has a talk on.
SILENCE_ALARM_WINDOW = timedelta(minutes=10)
# After that long in silence, it has been taken away.
MAX_SILENCE = timedelta(hours=1)
MACHINE_REPORT_TIMEOUT = timedelta(seconds=120)
PLAYBACK_WINDOW = timedelta(minutes=5)
INCIDENT_TYPES = ("no-stream", "silent-encoder", "full", "rebuffering", "component")
BAD_MOODS = ("sad", "lost")
FULL_THRESHOLD, FULL_CLEAR_THRESHOLD = 0.95, 0.9
# Rebuffering is over once it is that much below the share that alarms.
REBUFFERING_CLEAR_FACTOR = 0.75
MAX_SUMMARY_CHARS = 300
MAX_SUBJECT_CHARS = 128


@dataclass(frozen=True, kw_only=True)
class IncidentFinding:
    """Something that is wrong.

    :param kind: one of :data:`INCIDENT_TYPES`.
    :param room: the room's id, "" where it is about none or several.
    :param subject: what in the room it is about: an endpoint, a machine; "" for the room itself.
    :param summary: a sentence for people, true from its beginning to its end.
    :param opens: ``False`` where it is too little to alarm, but too much to call an alarm off.
    """

    kind: str
    room: str
    subject: str = ""
    summary: str
    opens: bool = True


class IncidentDetector:
    """Looks for what is wrong.

    :param schedule: the programme; without one no room has to be live.
    :param settings: holds ``alert.rebuffering`` and ``alert.players``.
    """

    def __init__(
        self,
        db: Session,
        conference: ConferenceConfig,
        schedule: Schedule,
        settings: Mapping[str, Any],
    ) -> None:
        self.db = db
        self.rooms = conference.rooms
        self.schedule = schedule
        self.settings = settings

    def found(self, *, now: datetime) -> Sequence[IncidentFinding]:
        """Return all that is wrong."""
        endpoints = self._endpoints(now)
        return [
            *self._no_stream(endpoints, now),
            *self._silent(endpoints, now),
            *self._full(endpoints, now),
            *self._rebuffering(now),
            *self._components(now),
        ]

    def _endpoints(self, now: datetime) -> Mapping[str, Sequence[Endpoint]]:
        """Return what has streamed lately, by room."""
        found: dict[str, list[Endpoint]] = {}
        query = sa.select(Endpoint).where(Endpoint.last_seen > now - MAX_SILENCE)
        for endpoint in self.db.scalars(query.order_by(Endpoint.name)):
            found.setdefault(endpoint.room, []).append(endpoint)
        return found

    def _talk(self, room: str, now: datetime) -> Slot | None:
        """Return the talk that is on in a room, neither a gap nor one of another room."""
        planned = self.schedule.rooms.get(room)
        for event in planned.upcoming(now, 1) if planned else ():
            if event.is_on(now) and not event.generated and not event.via:
                return event
        return None

    def _no_stream(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        for room in self.rooms.values():
            talk = None if has_external_stream(room, now) else self._talk(room.id, now)
            serving = (e for group in room_and_fallbacks(room) for e in endpoints.get(group, ()))
            here = [endpoint for endpoint in serving if is_watchable(endpoint)]
            if talk is None or any(_is_stable(endpoint, now) for endpoint in here):
                continue
            covered = any(
                _is_alive(endpoint, now) or _recently_deregistered(endpoint, now)
                for endpoint in here
            )
            yield IncidentFinding(
                kind="no-stream",
                room=room.id,
                summary=f"{room.title} has no stream; “{talk.title[:120]}” began there at "
                f"{self._clock(room, talk.start)}.",
                # While nothing is on the air, a talk that follows another needs no new grace.
                opens=not covered and talk.start <= now - TALK_START_GRACE,
            )

    def _silent(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        for room, endpoint in self._of_rooms(endpoints):
            # Whom the crew has drained, it may switch off.
            if endpoint.drained or endpoint.left_at is not None or _is_stable(endpoint, now):
                continue
            fresh = endpoint.last_seen > now - SILENCE_ALARM_WINDOW
            yield IncidentFinding(
                kind="silent-encoder",
                room=room.id,
                subject=endpoint.name,
                summary=f"The server {endpoint.name} of {room.title} stopped reporting at "
                f"{self._clock(room, endpoint.last_seen)}.",
                opens=not _is_alive(endpoint, now)
                and (fresh or self._talk(room.id, now) is not None),
            )

    def _full(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        for room in self.rooms.values():
            serving = (e for group in room_and_fallbacks(room) for e in endpoints.get(group, ()))
            alive = [endpoint for endpoint in serving if _is_alive(endpoint, now)]
            # A server that does not say what it can do may have room for many.
            if not alive or not all(endpoint.capacity for endpoint in alive):
                continue
            emptiest = min(endpoint.bitrate / (endpoint.capacity or 1) for endpoint in alive)
            if emptiest > FULL_CLEAR_THRESHOLD:
                yield IncidentFinding(
                    kind="full",
                    room=room.id,
                    summary=f"Every server of {room.title} is full ({len(alive)} in all).",
                    opens=emptiest > FULL_THRESHOLD,
                )

    def _rebuffering(self, now: datetime) -> Iterator[IncidentFinding]:
        limit = self.settings["alert.rebuffering"]
        begin = now - PLAYBACK_WINDOW
        for played in qoe_metrics(self.db, begin=begin, now=now, room=None, by_endpoint=False):
            room = self.rooms.get(played.room)
            share = played.rebuffer_ratio or 0
            if room is not None and share > limit * REBUFFERING_CLEAR_FACTOR:
                yield IncidentFinding(
                    kind="rebuffering",
                    room=room.id,
                    summary=f"Viewers of {room.title} waited for {share:.0%} of their time in "
                    f"the five minutes before {self._clock(room, now)} "
                    f"({played.viewers} players).",
                    opens=share > limit and played.viewers >= self.settings["alert.players"],
                )

    def _components(self, now: datetime) -> Iterator[IncidentFinding]:
        query = sa.select(Component).where(Component.reported_at > now - MAX_SILENCE)
        machines: dict[str, list[Component]] = {}
        for component in self.db.scalars(query.order_by(Component.machine, Component.name)):
            machines.setdefault(component.machine, []).append(component)
        for machine, components in machines.items():
            seen = max(component.reported_at for component in components)
            if seen <= now - MACHINE_REPORT_TIMEOUT:
                rooms = {component.room for component in components}
                room = rooms.pop() if len(rooms) == 1 else ""
                # What a silent machine said last of its components is no longer known to be so.
                yield IncidentFinding(
                    kind="component",
                    room=room,
                    subject=machine,
                    summary=f"The machine {machine} stopped reporting at {seen:%H:%M:%S} UTC.",
                )
            else:
                yield from self._moods(components, now)

    def _moods(self, components: Iterable[Component], now: datetime) -> Iterator[IncidentFinding]:
        for component in components:
            bad = component.mood in BAD_MOODS
            # Times of other machines' clocks: one from the future says nothing.
            recovering = timedelta() <= now - component.since < STABLE_AFTER
            if bad or recovering:
                room = self.rooms.get(component.room)
                where = f" of {room.title}" if room else ""
                detail = f": {component.detail}" if component.detail else ""
                yield IncidentFinding(
                    kind="component",
                    room=component.room,
                    subject=f"{component.name} on {component.machine}"[:MAX_SUBJECT_CHARS],
                    summary=f"{component.name} on {component.machine}{where} is "
                    f"{component.mood}{detail}.",
                    opens=bad,
                )

    def _of_rooms(
        self, endpoints: Mapping[str, Sequence[Endpoint]]
    ) -> Iterator[tuple[Room, Endpoint]]:
        """Yield the endpoints of the rooms there are, each with a room that it serves."""
        seen = set()
        for room in self.rooms.values():
            for group in room_and_fallbacks(room):
                if group not in seen:
                    yield from ((room, endpoint) for endpoint in endpoints.get(group, ()))
                seen.add(group)

    def _clock(self, room: Room, moment: datetime) -> str:
        """Return a time as the room's people say it."""
        planned = self.schedule.rooms.get(room.id)
        zone = planned.timezone if planned else room.schedule_timezone or UTC
        return f"{moment.astimezone(zone):%H:%M %Z}"


def to_single_line(text: str, longest: int = MAX_SUMMARY_CHARS) -> str:
    """Return a text without anything that would leave its line, cut where it is too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _is_alive(endpoint: Endpoint, now: datetime) -> bool:
    return endpoint.left_at is None and endpoint.last_seen > now - ENDPOINT_TTL


def _is_stable(endpoint: Endpoint, now: datetime) -> bool:
    """Tell whether it is alive and has reported for a while, so that alarms can be called off."""
    return _is_alive(endpoint, now) and endpoint.last_seen - endpoint.since >= STABLE_AFTER


def _recently_deregistered(endpoint: Endpoint, now: datetime) -> bool:
    """Tell whether it said goodbye only a moment ago: it may be restarting."""
    return endpoint.left_at is not None and endpoint.left_at > now - RESTART_GRACE
