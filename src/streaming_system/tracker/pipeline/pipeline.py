"""The health of what makes the streams: mixers, encoders, recorders, on machines of the venue."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Component, ComponentMood

# Flumotion's moods; a number of its protocol is the place in this list.
MOODS = ("happy", "hungry", "waking", "sleeping", "lost", "sad")
LOST = "lost"
# A machine that has said nothing for so long is lost, whatever it said last.
HEARTBEAT_TIMEOUT = timedelta(seconds=60)
COMPONENT_RETENTION = timedelta(days=1)

MAX_COMPONENTS = 100
MAX_HISTORY_ENTRIES = 1000
MAX_NAME_CHARS = 64


@dataclass(frozen=True, kw_only=True)
class ComponentState:
    """A component as its machine reports it: in this mood since then, by the machine's clock."""

    name: str
    mood: str
    since: datetime
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Mood:
    """That a component of a machine was in a mood from then on, for so many seconds."""

    component: str
    mood: str
    since: datetime
    seconds: float


class WrongRoomError(Exception):
    """A report for a room that speaks of a component which is not of that room."""


class Pipeline:
    """The components that machines have reported."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def report(
        self,
        *,
        machine: str,
        kind: str,
        room: str = "",
        components: Sequence[ComponentState],
        history: Sequence[Mood],
        within_room: bool = False,
        now: datetime,
    ) -> None:
        """Take all that a machine says of its components of one kind; others of that kind are gone.

        :param history: earlier moods; those that are known already change nothing.
        :param within_room: whether who reports may speak for the components of this room only.
        :raises NotOfRoom: if so, and they speak for another. The transaction must be rolled back.
        """
        dialect = ensure_write_transaction(self.db).dialect.name
        insert = (postgresql if dialect == "postgresql" else sqlite).insert
        states = {component.name: component for component in components}
        self.db.execute(
            sa.delete(Component).where(
                Component.machine == machine,
                Component.kind == kind,
                Component.room == room,
                Component.name.not_in(states),
            )
        )
        common = {"machine": machine, "kind": kind, "room": room, "reported_at": now}
        # All writers go through the rows in one order, so that none waits for one that waits.
        rows = [asdict(states[name]) | common for name in sorted(states)]
        state = insert(Component.__table__)
        changed = ("kind", "room", "mood", "since", "detail", "reported_at")
        others = sa.and_(Component.room != room, Component.reported_at > now - COMPONENT_RETENTION)
        self._upsert(
            state,
            ["machine", "name"],
            {column: state.excluded[column] for column in changed},
            rows,
            where=sa.not_(others) if within_room else None,
        )
        if within_room:
            # Now, since nobody else can write these rows until the transaction ends.
            self._check_own(machine, {*states, *(mood.component for mood in history)}, others)
        mood = insert(ComponentMood.__table__)
        longer = sa.case(
            (mood.excluded.seconds > ComponentMood.seconds, mood.excluded.seconds),
            else_=ComponentMood.seconds,
        )
        moods = _mood_rows(machine, [*history, *_elapsed(components, now)])
        key = ["machine", "name", "since", "mood"]
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

        Of each component they begin with the one that it was in when the minutes began.
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
        of_it = sa.and_(
            ComponentMood.machine == before.c.machine,
            ComponentMood.name == before.c.name,
            ComponentMood.since == before.c.since,
        )
        first = self.db.scalars(sa.select(ComponentMood).join(before, of_it)).all()
        within = self.db.scalars(
            sa.select(ComponentMood).where(ComponentMood.since > begin, ComponentMood.since <= now)
        ).all()
        return sorted([*first, *within], key=lambda mood: mood.since)

    def _check_own(
        self, machine: str, names: Collection[str], others: sa.ColumnElement[bool]
    ) -> None:
        name = self.db.scalar(
            sa.select(Component.name)
            .where(Component.machine == machine, Component.name.in_(names), others)
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
    """Return the mood of a component, which is lost if its machine has fallen silent."""
    return LOST if now - component.reported_at > HEARTBEAT_TIMEOUT else component.mood


def _elapsed(components: Iterable[ComponentState], now: datetime) -> list[Mood]:
    """Return the moods that components are in as moods that have lasted until now."""
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
    """Return each mood once, as a row, in one order for all writers."""
    longest: dict[tuple[str, datetime, str], float] = {}
    for mood in moods:
        key = (mood.component, mood.since, mood.mood)
        longest[key] = max(mood.seconds, longest.get(key, 0.0))
    return [
        {"machine": machine, "name": name, "since": since, "mood": mood, "seconds": seconds}
        for (name, since, mood), seconds in sorted(longest.items())
    ]
