"""Lays a day's talks out as the rows and cells of a table: rooms across, time downwards.

A row ends wherever a talk starts or ends, and at every half hour while something is on. A cell
spans the rows of its talk. So an ordinary table is the grid, and nothing in it needs a style.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.frontend.room_view import natural_sort_key
from streaming_system.frontend.schedule_page.schedule_view import ScheduleEntry

TIME_LABEL_INTERVAL = 30  # minutes
# No row is drawn higher than this many minutes.
MAX_ROW_MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """A talk, or nothing, for some rows of a column."""

    column: int
    rows: int
    entry: ScheduleEntry | None = None
    minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """A piece of the day in which nothing changes.

    :param minutes: how high it is drawn.
    :param busy: a talk starts here.
    :param gap: nothing is on in any room.
    """

    start: datetime
    end: datetime
    minutes: int
    gap: bool
    cells: list[GridCell] = field(default_factory=list)

    @property
    def busy(self) -> bool:
        """Tell whether a talk starts with this row."""
        return any(cell.entry for cell in self.cells)


@dataclass(frozen=True, kw_only=True)
class ScheduleGrid:
    """A day as a table; a room has as many columns as it has talks at once."""

    rooms: list[tuple[Room, int]]
    rows: list[GridRow]


class _Span(NamedTuple):
    begin: int
    end: int
    entry: ScheduleEntry


def build_grid(
    entries: Sequence[ScheduleEntry], begins: datetime, ends: datetime, zone: ZoneInfo
) -> ScheduleGrid:
    """Return the table of a day.

    :param entries: the talks of the day; what lies outside of it is cut off.
    :param begins: when the day begins.
    :param ends: when the next one does.
    """
    spans = list(_visible_spans(entries, _epoch_minute(begins), _epoch_minute(ends)))
    if not spans:
        return ScheduleGrid(rooms=[], rows=[])
    rows, index = _build_rows(spans, zone)
    rooms = []
    column = 0
    for room, of_room in _by_room(spans):
        lanes = _assign_columns(of_room)
        rooms.append((room, len(lanes)))
        for lane in lanes:
            for first, cell in _column_cells(lane, column, index):
                rows[first].cells.append(cell)
            column += 1
    return ScheduleGrid(rooms=rooms, rows=rows)


def _epoch_minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _visible_spans(entries: Iterable[ScheduleEntry], begins: int, ends: int) -> Iterator[_Span]:
    """Yield the part of each talk that is drawn.

    What began on an earlier day, or goes on to a later, does not make this one longer than its own
    talks do.
    """
    timed = [(_epoch_minute(e.event.start), _epoch_minute(e.event.end), e) for e in entries]
    first = min((start for start, _, _ in timed if start >= begins), default=begins)
    last = max((end for _, end, _ in timed if end <= ends), default=ends)
    for start, end, entry in timed:
        start = max(start, first)
        if end > ends:
            end = last if last > start else ends
        # A talk of seconds is drawn as one of a minute.
        yield _Span(start, max(end, start + 1), entry)


def _build_rows(spans: list[_Span], zone: ZoneInfo) -> tuple[list[GridRow], dict[int, int]]:
    covered = _busy_intervals(spans)
    times = {minute for span in spans for minute in (span.begin, span.end)}
    for begin, end in covered:
        offset = datetime.fromtimestamp(begin * 60, zone).utcoffset() or timedelta()
        shift = int(offset.total_seconds()) // 60
        first = -(-(begin + shift) // TIME_LABEL_INTERVAL) * TIME_LABEL_INTERVAL - shift
        times.update(range(first, end, TIME_LABEL_INTERVAL))
    order = sorted(times)
    starts_of_gaps = {end for _, end in covered}
    rows = [
        GridRow(
            start=datetime.fromtimestamp(start * 60, UTC).astimezone(zone),
            end=datetime.fromtimestamp(end * 60, UTC).astimezone(zone),
            minutes=min(end - start, MAX_ROW_MINUTES),
            gap=start in starts_of_gaps,
        )
        for start, end in pairwise(order)
    ]
    return rows, {minute: number for number, minute in enumerate(order)}


def _busy_intervals(spans: list[_Span]) -> list[tuple[int, int]]:
    """Return the times at which something is on anywhere."""
    pieces: list[tuple[int, int]] = []
    for begin, end, _ in sorted(spans, key=lambda span: span[:2]):
        if pieces and begin <= pieces[-1][1]:
            pieces[-1] = (pieces[-1][0], max(pieces[-1][1], end))
        else:
            pieces.append((begin, end))
    return pieces


def _by_room(spans: list[_Span]) -> Iterator[tuple[Room, list[_Span]]]:
    rooms: dict[str, list[_Span]] = {}
    for span in spans:
        rooms.setdefault(span.entry.room.id, []).append(span)
    for of_room in sorted(
        rooms.values(), key=lambda some: natural_sort_key(some[0].entry.room.title)
    ):
        yield of_room[0].entry.room, of_room


def _assign_columns(spans: list[_Span]) -> list[list[_Span]]:
    """Share the talks of a room out to as few columns as they need."""
    lanes: list[list[_Span]] = []
    for span in sorted(spans, key=lambda span: (span.begin, -span.end)):
        free = next((lane for lane in lanes if lane[-1].end <= span.begin), None)
        if free is None:
            lanes.append([span])
        else:
            free.append(span)
    return lanes


def _column_cells(
    lane: list[_Span], column: int, index: dict[int, int]
) -> Iterator[tuple[int, GridCell]]:
    """Yield the cells of a column from top to bottom, each with the number of its first row."""
    free_from = 0
    for begin, end, entry in lane:
        first, after = index[begin], index[end]
        if first > free_from:
            yield free_from, GridCell(column=column, rows=first - free_from)
        yield first, GridCell(column=column, rows=after - first, entry=entry, minutes=end - begin)
        free_from = after
    if (last := len(index) - 1) > free_from:
        yield free_from, GridCell(column=column, rows=last - free_from)
