"""The health of stream components: mixers, encoders and recorders at the venue."""

from collections.abc import Collection, Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.db.bounds import Bounds, serialize_new
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Component, ComponentMood

# Flumotion's moods; its protocol sends their indexes in this list.
MOODS = ("happy", "hungry", "waking", "sleeping", "lost", "sad")
LOST = "lost"
# Faults that open an incident of their own kind: what viewers see and hear, and what breaks soon.
CONDITIONS = ("black", "frozen", "silence", "stalled", "disk", "segments")
# After this time without a report, the components of a machine count as lost.
HEARTBEAT_TIMEOUT = timedelta(seconds=60)
COMPONENT_RETENTION = timedelta(days=1)

MAX_COMPONENTS = 100
MAX_HISTORY_ENTRIES = 1000
MAX_NAME_CHARS = 64


@dataclass(frozen=True, kw_only=True)
class ComponentState:
    """A component as its machine reports it.

    :param since: when it got into its mood, by the machine's clock.
    :param condition: one of :data:`CONDITIONS`; "" for none of these.
    """

    name: str
    mood: str
    since: datetime
    detail: str = ""
    condition: str = ""


@dataclass(frozen=True, kw_only=True)
class Mood:
    """A period of ``seconds`` from ``since`` on in which a component was in one mood."""

    component: str
    mood: str
    since: datetime
    seconds: float


class WrongRoomError(Exception):
    """A report that is restricted to a room contains a component of another room."""


class Pipeline:
    """The components that machines report."""

    def __init__(self, db: Session, bounds: Bounds | None = None) -> None:
        self.db = db
        self._bounds = bounds or Bounds({})

    def report(
        self,
        *,
        machine: str,
        kind: str,
        room: str = "",
        components: Sequence[ComponentState],
        history: Sequence[Mood],
        restrict_to_room: bool = False,
        clock_offset: float | None = None,
        now: datetime,
    ) -> None:
        """Replace a machine's components of one kind in a room.

        :param history: earlier moods; stored ones may be repeated.
        :param restrict_to_room: whether the sender may report components of this room only.
        :param clock_offset: seconds that the machine's clock is ahead; ``None`` if unknown.
        :raises WrongRoomError: if it reports others. The transaction must be rolled back.
        :raises BoundReachedError: if it reports new ones, and the room has as many as it may have.
        """
        connection = ensure_write_transaction(self.db)
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        states = {component.name: component for component in components}
        self._require_space(connection, machine, room, states.keys(), now)
        self.db.execute(
            sa.delete(Component).where(
                Component.machine == machine,
                Component.kind == kind,
                Component.room == room,
                Component.name.not_in(states),
            )
        )
        common = {"kind": kind, "room": room, "reported_at": now, "clock_offset": clock_offset}
        # Rows are written in the order of their keys to avoid deadlocks.
        rows = [{"machine": machine, **asdict(states[name]), **common} for name in sorted(states)]
        state = insert(Component.__table__)
        changed = (*common, "mood", "since", "detail", "condition")
        is_foreign = sa.and_(
            Component.room != room, Component.reported_at > now - COMPONENT_RETENTION
        )
        self._upsert(
            state,
            ["machine", "name"],
            {column: state.excluded[column] for column in changed},
            rows,
            where=sa.not_(is_foreign) if restrict_to_room else None,
        )
        if restrict_to_room:
            # The rows are locked by the upsert until the transaction ends.
            names = {*states, *(mood.component for mood in history)}
            self._require_own_components(machine, names, is_foreign)
        mood = insert(ComponentMood.__table__)
        longer = sa.case(
            (mood.excluded.seconds > ComponentMood.seconds, mood.excluded.seconds),
            else_=ComponentMood.seconds,
        )
        moods = _mood_rows(machine, [*history, *_present_moods(components, now)])
        key = ["machine", "name", "since", "mood"]
        if self._bounds.has_space(connection, ComponentMood.__tablename__, now=now):
            self._upsert(mood, key, {"seconds": longer}, moods)

    def current(self, *, now: datetime) -> Sequence[Component]:
        """Return the components of all machines that have reported within a day, by name."""
        return self.db.scalars(
            sa.select(Component)
            .where(Component.reported_at > now - COMPONENT_RETENTION)
            .order_by(Component.name, Component.machine)
        ).all()

    def history(self, *, now: datetime, minutes: int = 10) -> Sequence[ComponentMood]:
        """Return the moods of the last minutes, oldest first.

        They include each component's mood at the beginning of that time.
        """
        begin = now - timedelta(minutes=minutes)
        before = (
            sa.select(
                ComponentMood.machine,
                ComponentMood.name,
                sa.func.max(ComponentMood.since).label("since"),
            )
            .where(ComponentMood.since <= begin, ComponentMood.since > begin - COMPONENT_RETENTION)
            .group_by(ComponentMood.machine, ComponentMood.name)
            .subquery()
        )
        is_initial = sa.and_(
            ComponentMood.machine == before.c.machine,
            ComponentMood.name == before.c.name,
            ComponentMood.since == before.c.since,
        )
        initial = self.db.scalars(sa.select(ComponentMood).join(before, is_initial)).all()
        later = self.db.scalars(
            sa.select(ComponentMood).where(ComponentMood.since > begin, ComponentMood.since <= now)
        ).all()
        return sorted([*initial, *later], key=lambda mood: mood.since)

    def _require_space(
        self, connection: sa.Connection, machine: str, room: str, names: Set[str], now: datetime
    ) -> None:
        """Require space for the new components of a report."""
        maximum = self._bounds.get("components_per_room")
        known = sa.select(Component.name).where(Component.machine == machine)
        if maximum is None or names <= set(self.db.scalars(known)):
            return
        serialize_new(connection)
        new = names - set(self.db.scalars(known))
        in_room = sa.select(sa.func.count()).where(
            Component.room == room, Component.reported_at > now - COMPONENT_RETENTION
        )
        if new and (self.db.scalar(in_room) or 0) + len(new) > maximum:
            raise self._bounds.error(
                "components_per_room",
                "the room has as many components as it may have; report under the names of these",
            )

    def _require_own_components(
        self, machine: str, names: Collection[str], is_foreign: sa.ColumnElement[bool]
    ) -> None:
        name = self.db.scalar(
            sa.select(Component.name)
            .where(Component.machine == machine, Component.name.in_(names), is_foreign)
            .order_by(Component.name)
        )
        if name is not None:
            raise WrongRoomError(f"the component {name} on {machine}")

    def _upsert(
        self, insert: Any, key: list[str], changes: Any, rows: list[Any], where: Any = None
    ) -> None:
        if rows:
            self.db.execute(
                insert.on_conflict_do_update(index_elements=key, set_=changes, where=where), rows
            )


def current_mood(component: Component, now: datetime) -> str:
    """Return the mood of a component; it is lost if its machine has stopped reporting."""
    return LOST if now - component.reported_at > HEARTBEAT_TIMEOUT else component.mood


def _present_moods(components: Iterable[ComponentState], now: datetime) -> list[Mood]:
    """Return the present moods of components, which have lasted until now."""
    return [
        Mood(
            component=state.name,
            mood=state.mood,
            since=state.since,
            seconds=max(0.0, (now - state.since).total_seconds()),
        )
        for state in components
    ]


def _mood_rows(machine: str, moods: Iterable[Mood]) -> list[dict[str, Any]]:
    """Return the rows of moods, without duplicates, in the order of their keys."""
    longest: dict[tuple[str, datetime, str], float] = {}
    for mood in moods:
        key = (mood.component, mood.since, mood.mood)
        longest[key] = max(mood.seconds, longest.get(key, 0.0))
    return [
        {"machine": machine, "name": name, "since": since, "mood": mood, "seconds": seconds}
        for (name, since, mood), seconds in sorted(longest.items())
    ]
