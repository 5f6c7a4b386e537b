"""Incident detection: rules over reports and the schedule. Read-only."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig, Room
from streaming_system.config.stream_sources import has_external_stream
from streaming_system.schedule.model import Schedule
from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.audience.qoe import qoe_metrics, ratio_without_worst_networks
from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.endpoints.fallback_groups import room_and_fallbacks
from streaming_system.tracker.endpoints.formats import is_watchable
from streaming_system.tracker.endpoints.slate import slate_since
from streaming_system.tracker.incidents.agent_rules import find_name_clashes, find_wrong_clocks
from streaming_system.tracker.incidents.component_rules import find_component_problems
from streaming_system.tracker.incidents.finding import STABLE_AFTER, IncidentFinding
from streaming_system.tracker.incidents.media_rules import find_media_problems
from streaming_system.tracker.incidents.programme import Programme
from streaming_system.tracker.models import Component, Endpoint

# A stream may start this long after its talk.
TALK_START_GRACE = timedelta(seconds=60)
# An endpoint that deregistered may restart within this time.
RESTART_GRACE = timedelta(seconds=30)
# A silent endpoint opens an incident for this long; later only during a talk of its room.
SILENCE_ALARM_WINDOW = timedelta(minutes=10)
# After this long without reports, an endpoint or machine counts as removed.
MAX_SILENCE = timedelta(hours=1)
PLAYBACK_WINDOW = timedelta(minutes=5)
# Utilisation at which "full" opens, and at which it is resolved.
FULL_THRESHOLD, FULL_CLEAR_THRESHOLD = 0.95, 0.9
# "rebuffering" is resolved below this share of the threshold at which it opens.
REBUFFERING_CLEAR_FACTOR = 0.75
MAX_SUMMARY_CHARS = 300


class IncidentDetector:
    """Finds problems.

    :param schedule: the schedule; rooms without talks need no stream.
    :param settings: provides the keys ``alert.…``.
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
        self.programme = Programme(conference.rooms, schedule)
        self.settings = settings

    def detect(self, *, now: datetime) -> Sequence[IncidentFinding]:
        """Return all problems."""
        endpoints = self._recent_endpoints(now)
        components = self._recent_components(now)
        alive = [e for of_room in endpoints.values() for e in of_room if _is_alive(e, now)]
        return [
            *self._no_stream(endpoints, now),
            *self._slates(endpoints, now),
            *self._silent(endpoints, now),
            *self._full(endpoints, now),
            *self._rebuffering(now),
            *find_component_problems(components, self.programme, now),
            *find_media_problems(components, self.programme, self.settings, now),
            *find_name_clashes(alive, self.rooms, now),
            *find_wrong_clocks(alive, components, self.settings["alert.clock"], now),
        ]

    def _recent_endpoints(self, now: datetime) -> Mapping[str, Sequence[Endpoint]]:
        """Return the endpoints that reported recently, by room."""
        result: dict[str, list[Endpoint]] = {}
        query = sa.select(Endpoint).where(Endpoint.last_seen > now - MAX_SILENCE)
        for endpoint in self.db.scalars(query.order_by(Endpoint.name)):
            result.setdefault(endpoint.room, []).append(endpoint)
        return result

    def _recent_components(self, now: datetime) -> Sequence[Component]:
        query = sa.select(Component).where(Component.reported_at > now - MAX_SILENCE)
        return self.db.scalars(query.order_by(Component.machine, Component.name)).all()

    def _no_stream(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        for room in self.rooms.values():
            needs_none = room.closed or has_external_stream(room, now)
            talk = None if needs_none else self.programme.current_talk(room.id, now)
            watchable = [e for e in _endpoints_of(room, endpoints) if is_watchable(e)]
            if talk is None or any(_is_stable(endpoint, now) for endpoint in watchable):
                continue
            has_stream = any(
                _is_alive(endpoint, now) or _recently_deregistered(endpoint, now)
                for endpoint in watchable
            )
            yield IncidentFinding(
                kind="no-stream",
                room=room.id,
                summary=f"{room.title} has no stream; “{talk.title[:120]}” began there at "
                f"{self.programme.format_time(room, talk.start)}.",
                # An open incident continues in the next talk, without a new grace period.
                should_open=not has_stream and talk.start <= now - TALK_START_GRACE,
            )

    def _slates(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        delay = timedelta(seconds=self.settings["alert.slate"])
        for room in self.rooms.values() if delay else ():
            since = slate_since(e for e in _endpoints_of(room, endpoints) if _is_alive(e, now))
            talk = self.programme.current_talk(room.id, now)
            if since and talk and not has_external_stream(room, now):
                is_due = max(talk.start, since) <= now - delay
                summary = f"{room.title} shows the slate, not “{talk.title[:120]}”: no input."
                yield IncidentFinding(
                    kind="slate", room=room.id, summary=summary, should_open=is_due
                )

    def _silent(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        for room, endpoint in self._endpoints_with_room(endpoints):
            # The crew may switch off an endpoint that it has drained.
            if endpoint.drained or endpoint.left_at is not None or _is_stable(endpoint, now):
                continue
            is_recent = endpoint.last_seen > now - SILENCE_ALARM_WINDOW
            yield IncidentFinding(
                kind="silent-encoder",
                room=room.id,
                subject=endpoint.name,
                summary=f"The server {endpoint.name} of {room.title} stopped reporting at "
                f"{self.programme.format_time(room, endpoint.last_seen)}.",
                should_open=not _is_alive(endpoint, now)
                and (is_recent or self.programme.current_talk(room.id, now) is not None),
            )

    def _full(
        self, endpoints: Mapping[str, Sequence[Endpoint]], now: datetime
    ) -> Iterator[IncidentFinding]:
        for room in self.rooms.values():
            alive = [e for e in _endpoints_of(room, endpoints) if _is_alive(e, now)]
            # An endpoint without known capacity may have headroom.
            if not alive or not all(endpoint.capacity for endpoint in alive):
                continue
            utilisation = min(endpoint.bitrate / (endpoint.capacity or 1) for endpoint in alive)
            if utilisation > FULL_CLEAR_THRESHOLD:
                yield IncidentFinding(
                    kind="full",
                    room=room.id,
                    summary=f"Every server of {room.title} is full ({len(alive)} in all).",
                    should_open=utilisation > FULL_THRESHOLD,
                )

    def _rebuffering(self, now: datetime) -> Iterator[IncidentFinding]:
        threshold = self.settings["alert.rebuffering"]
        begin = now - PLAYBACK_WINDOW
        viewers = Viewers(self.db, ended_rooms=EndedRooms(self.rooms)).by_endpoint(now=now)
        for metrics in qoe_metrics(
            self.db, begin=begin, now=now, room=None, by_endpoint=False, viewers=viewers
        ):
            room = self.rooms.get(metrics.room)
            ratio = metrics.rebuffer_ratio or 0
            if room is None or ratio <= threshold * REBUFFERING_CLEAR_FACTOR:
                continue
            # Anybody may report, so fewer networks than these open no incident, however many
            # players they invent.
            others = ratio_without_worst_networks(
                self.db,
                room=room.id,
                begin=begin,
                now=now,
                networks=self.settings["alert.networks"] - 1,
            )
            if (others or 0) > threshold * REBUFFERING_CLEAR_FACTOR:
                yield IncidentFinding(
                    kind="rebuffering",
                    room=room.id,
                    summary=f"Viewers of {room.title} waited for {ratio:.0%} of their time in "
                    f"the five minutes before {self.programme.format_time(room, now)} "
                    f"({metrics.viewers} players).",
                    should_open=min(ratio, others or 0) > threshold
                    and metrics.viewers >= self.settings["alert.players"],
                )

    def _endpoints_with_room(
        self, endpoints: Mapping[str, Sequence[Endpoint]]
    ) -> Iterator[tuple[Room, Endpoint]]:
        """Yield each endpoint of the configured rooms once, with a room that it serves."""
        seen = set()
        for room in self.rooms.values():
            for group in room_and_fallbacks(room):
                if group not in seen:
                    yield from ((room, endpoint) for endpoint in endpoints.get(group, ()))
                seen.add(group)


def to_single_line(text: str, max_chars: int = MAX_SUMMARY_CHARS) -> str:
    """Return a text without line breaks and control characters, truncated to a length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


def _endpoints_of(room: Room, endpoints: Mapping[str, Sequence[Endpoint]]) -> Iterator[Endpoint]:
    """Yield the endpoints of a room and of its fallback groups."""
    for group in room_and_fallbacks(room):
        yield from endpoints.get(group, ())


def _is_alive(endpoint: Endpoint, now: datetime) -> bool:
    return endpoint.left_at is None and endpoint.last_seen > now - ENDPOINT_TTL


def _is_stable(endpoint: Endpoint, now: datetime) -> bool:
    """Return whether an endpoint has reported long enough to resolve its incident."""
    return _is_alive(endpoint, now) and endpoint.last_seen - endpoint.since >= STABLE_AFTER


def _recently_deregistered(endpoint: Endpoint, now: datetime) -> bool:
    """Return whether an endpoint deregistered a moment ago: it may be restarting."""
    return endpoint.left_at is not None and endpoint.left_at > now - RESTART_GRACE
