"""What players say of themselves: that they are there, and how well they play."""

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker import models
from streaming_system.tracker.db import begin_writing
from streaming_system.tracker.services.quality import PlaybackFigures, figures
from streaming_system.tracker.services.viewers import Crowd, Viewers

# Where a player may have its stream from that is no endpoint; "" where it does not know.
ELSEWHERE = frozenset({"", "youtube", "cdn"})
# A player that was away for longer than this has gone and come back.
SAME_VISIT = timedelta(seconds=60)
# Reports shall not keep step with each other: each comes up to this share earlier.
JITTER = 0.2
# A report may be late by half of the interval, and by two seconds of the network's.
PATIENCE, SLACK = 1.5, 2.0

TOTALS = ("played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors")


@dataclass(frozen=True, kw_only=True)
class PlayerReport:
    """A player's word on itself: totals since it began, so that a lost report loses nothing.

    :param sid: a random number that the player made for itself.
    :param endpoint: the name of the endpoint that it plays from, or one of :data:`ELSEWHERE`.
    :param startup_ms: milliseconds from the wish to play to the first picture; ``None`` until then.
    :param rebuffer_ms: for how many milliseconds it stood still while it should have played.
    :param bitrate: of what it plays, in bit/s.
    :param leaving: that it will not report again.
    :param hidden: that nobody sees it now: browsers let it report rarely.
    """

    sid: str
    room: str
    endpoint: str = ""
    format: str = ""
    quality: str = ""
    startup_ms: int | None = None
    played_ms: int = 0
    rebuffer_ms: int = 0
    rebuffers: int = 0
    dropped: int = 0
    errors: int = 0
    bitrate: int | None = None
    leaving: bool = False
    hidden: bool = False


def counts_for(seconds: int) -> timedelta:
    """Return for how long a player counts that was told to report again in so many seconds."""
    return timedelta(seconds=PATIENCE * seconds + SLACK if seconds else 0)


# This is the busiest path of all, so its statements are made once.
_player = sa.Table("player", models.Base.metadata)
_playback = sa.Table("playback", models.Base.metadata)
_endpoint = sa.Table("endpoint", models.Base.metadata)
_LOCK = sa.select(_player).where(_player.c.sid == sa.bindparam("of")).with_for_update()
_CHANGE = sa.update(_player).where(_player.c.sid == sa.bindparam("of"))
_HAPPENED = sa.insert(_playback)
_KNOWN = sa.select(_endpoint.c.id).where(
    _endpoint.c.room == sa.bindparam("in_room"), _endpoint.c.name == sa.bindparam("called")
)


class Playback:
    """Takes the reports of players, and says how well they play.

    :param settings: the app's, for the keys ``report.*``.
    :param crowd: this process's idea of how many watch; without it, they are counted each time.
    """

    def __init__(
        self, db: Session, settings: Mapping[str, Any], crowd: Crowd | None = None
    ) -> None:
        self.db = db
        self._settings = settings
        self._crowd = crowd or Crowd()

    def report(self, report: PlayerReport, *, now: datetime) -> int:
        """Take a report, and return in how many seconds the next one is due; 0 for never.

        Reports may come late, twice, or in another order: totals never go back, and nothing is
        added twice.
        """
        # Who writes waits for other writers from the start of the transaction on.
        begin_writing(self.db)
        seconds = 0 if report.leaving else self._pace(report, now)
        until = now + counts_for(seconds)
        known = self._locked(report.sid)
        if known is None and not self._begin(report, until, now):
            # Another report of the same player was quicker.
            known = self._locked(report.sid)
        if known is not None:
            self._go_on(known, report, until, now)
        return seconds

    def figures(
        self, *, now: datetime, minutes: int = 5, room: str | None = None, by_endpoint: bool = True
    ) -> Sequence[PlaybackFigures]:
        """Return how well players have played within the last minutes, by room and endpoint.

        :param room: only this one.
        :param by_endpoint: whether endpoints are told apart; otherwise there is one for each room.
        """
        begin = now - timedelta(minutes=minutes)
        return figures(self.db, begin=begin, now=now, room=room, by_endpoint=by_endpoint)

    def _pace(self, report: PlayerReport, now: datetime) -> int:
        """Return the seconds until the next report, so that all together come at the set rate."""
        shortest: int = self._settings["report.shortest"]
        longest: int = self._settings["report.longest"]
        rate: float = self._settings["report.rate"]
        if report.hidden:
            return longest
        viewers = self._crowd.size(Viewers(self.db), now=now)
        seconds = min(viewers / rate, longest) * random.uniform(1 - JITTER, 1)
        return max(round(seconds), shortest)

    def _locked(self, sid: str) -> Any:
        return self.db.execute(_LOCK, {"of": sid}).one_or_none()

    def _begin(self, report: PlayerReport, until: datetime, now: datetime) -> bool:
        """Make a new player, unless there is one by now; tell whether it was made."""
        dialect = self.db.connection().dialect.name
        insert = (postgresql if dialect == "postgresql" else sqlite).insert
        state = self._state(report, self._origin(report))
        made = self.db.execute(
            insert(_player).on_conflict_do_nothing().returning(_player.c.sid),
            {
                **state,
                "sid": report.sid,
                "begun": now,
                "moved": now,
                "last_seen": now,
                "until": until,
            },
        )
        if made.first() is None:
            return False
        self._happened(state, state, report, now, starts=1)
        return True

    def _go_on(self, known: Any, report: PlayerReport, until: datetime, now: datetime) -> None:
        happened = {name: getattr(report, name) - getattr(known, name) for name in TOTALS}
        late = min(happened.values()) < 0
        has_left = known.until <= known.last_seen
        if has_left and (late or not any(happened.values())):
            # What was sent before the goodbye, or the goodbye once more.
            return
        if late:
            if not report.leaving:
                self._change(known.sid, last_seen=now, until=max(until, known.until))
            return
        origin = known.endpoint
        if (report.room, report.endpoint) != (known.room, known.endpoint):
            origin = self._origin(report)
        state = self._state(report, origin)
        moved = (report.room, origin) != (known.room, known.endpoint)
        was_away = known.until <= now
        begun = known.begun
        if report.room != known.room or now - known.until > SAME_VISIT:
            self._keep(known, now)
            begun = now
        if state["startup_ms"] is None:
            state["startup_ms"] = known.startup_ms
        self._change(
            known.sid,
            **state,
            begun=begun,
            moved=now if moved or was_away else known.moved,
            last_seen=now,
            until=until,
        )
        # Whoever moves tells what happened where it was.
        where = known._mapping if moved else state
        new_startup = report.startup_ms is not None and known.startup_ms is None
        if any(happened.values()) or new_startup:
            startup_ms = report.startup_ms if new_startup else None
            self._happened(where, happened | {"startup_ms": startup_ms}, report, now)

    def _keep(self, known: Any, now: datetime) -> None:
        """Keep a visit that has ended under a name of its own, for the numbers of the past."""
        self.db.execute(
            sa.insert(_player),
            dict(known._mapping) | {"sid": uuid.uuid4().hex, "until": min(known.until, now)},
        )

    def _change(self, sid: str, **values: Any) -> None:
        self.db.execute(_CHANGE.values(values), {"of": sid})

    def _happened(
        self,
        where: Mapping[str, Any],
        what: Mapping[str, Any],
        report: PlayerReport,
        now: datetime,
        starts: int = 0,
    ) -> None:
        self.db.execute(
            _HAPPENED,
            {
                "at": now,
                "starts": starts,
                "bitrate": report.bitrate,
                **{name: where[name] for name in ("room", "endpoint", "format", "quality")},
                **{name: what[name] for name in (*TOTALS, "startup_ms")},
            },
        )

    def _origin(self, report: PlayerReport) -> str:
        """Return where a player has its stream from; "" where we know nothing of that name."""
        if report.endpoint in ELSEWHERE:
            return report.endpoint
        known = self.db.scalar(_KNOWN, {"in_room": report.room, "called": report.endpoint})
        return "" if known is None else report.endpoint

    def _state(self, report: PlayerReport, origin: str) -> dict[str, Any]:
        return {
            "room": report.room,
            "endpoint": origin,
            "format": report.format,
            "quality": report.quality,
            "startup_ms": report.startup_ms,
            **{name: getattr(report, name) for name in TOTALS},
        }
