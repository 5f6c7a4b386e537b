"""The talks of a day as an HTML table: one or more columns per room, time from top to bottom.

A row ends where a talk starts or ends, and at every half hour during talks. A cell spans the rows
of its talk, so that the table needs no inline styles.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.frontend.schedule_page.schedule_view import ScheduleEntry

TIME_LABEL_INTERVAL = 30  # minutes
# The maximum height of a row.
MAX_ROW_MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """A talk or a gap in a column."""

    column: int
    rows: int
    entry: ScheduleEntry | None = None
    minutes: int = 0


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """A part of the day in which no talk starts or ends.

    :param minutes: its height.
    :param gap: no room has a talk.
    """

    start: datetime
    end: datetime
    minutes: int
    gap: bool
    cells: list[GridCell] = field(default_factory=list)

    @property
    def has_starts(self) -> bool:
        """Whether a talk starts with this row."""
        return any(cell.entry for cell in self.cells)


@dataclass(frozen=True, kw_only=True)
class ScheduleGrid:
    """A day as a table.

    :param rooms: each with its number of columns, the maximum number of concurrent talks.
    """

    rooms: list[tuple[Room, int]]
    rows: list[GridRow]


class _Span(NamedTuple):
    start: int
    end: int
    entry: ScheduleEntry


def build_grid(
    entries: Sequence[ScheduleEntry], day_start: datetime, day_end: datetime, zone: ZoneInfo
) -> ScheduleGrid:
    """Return the table of a day.

    :param entries: the talks of the day; parts outside of the day are cut off.
    :param day_start: the start of the day.
    :param day_end: the start of the next day.
    """
    spans = list(_visible_spans(entries, _epoch_minute(day_start), _epoch_minute(day_end)))
    if not spans:
        return ScheduleGrid(rooms=[], rows=[])
    rows, index = _build_rows(spans, zone)
    rooms = []
    column = 0
    for room, of_room in _by_room(spans):
        columns = _assign_columns(of_room)
        rooms.append((room, len(columns)))
        for column_spans in columns:
            for first, cell in _column_cells(column_spans, column, index):
                rows[first].cells.append(cell)
            column += 1
    return ScheduleGrid(rooms=rooms, rows=rows)


def _epoch_minute(moment: datetime) -> int:
    return int(moment.timestamp()) // 60


def _visible_spans(
    entries: Iterable[ScheduleEntry], day_start: int, day_end: int
) -> Iterator[_Span]:
    """Yield the visible part of each talk.

    Talks that started earlier or end later do not extend the day beyond its own talks.
    """
    timed = [(_epoch_minute(e.talk.start), _epoch_minute(e.talk.end), e) for e in entries]
    first = min((start for start, _, _ in timed if start >= day_start), default=day_start)
    last = max((end for _, end, _ in timed if end <= day_end), default=day_end)
    for start, end, entry in timed:
        start = max(start, first)
        if end > day_end:
            end = last if last > start else day_end
        # The minimum height is a minute.
        yield _Span(start, max(end, start + 1), entry)


def _build_rows(spans: list[_Span], zone: ZoneInfo) -> tuple[list[GridRow], dict[int, int]]:
    busy = _busy_intervals(spans)
    times = {minute for span in spans for minute in (span.start, span.end)}
    for start, end in busy:
        offset = datetime.fromtimestamp(start * 60, zone).utcoffset() or timedelta()
        shift = int(offset.total_seconds()) // 60
        first = -(-(start + shift) // TIME_LABEL_INTERVAL) * TIME_LABEL_INTERVAL - shift
        times.update(range(first, end, TIME_LABEL_INTERVAL))
    order = sorted(times)
    gap_starts = {end for _, end in busy}
    rows = [
        GridRow(
            start=datetime.fromtimestamp(start * 60, UTC).astimezone(zone),
            end=datetime.fromtimestamp(end * 60, UTC).astimezone(zone),
            minutes=min(end - start, MAX_ROW_MINUTES),
            gap=start in gap_starts,
        )
        for start, end in pairwise(order)
    ]
    return rows, {minute: number for number, minute in enumerate(order)}


def _busy_intervals(spans: list[_Span]) -> list[tuple[int, int]]:
    """Return the intervals with talks in any room."""
    intervals: list[tuple[int, int]] = []
    for start, end, _ in sorted(spans, key=lambda span: span[:2]):
        if intervals and start <= intervals[-1][1]:
            intervals[-1] = (intervals[-1][0], max(intervals[-1][1], end))
        else:
            intervals.append((start, end))
    return intervals


def _by_room(spans: list[_Span]) -> Iterator[tuple[Room, list[_Span]]]:
    rooms: dict[str, list[_Span]] = {}
    for span in spans:
        rooms.setdefault(span.entry.room.id, []).append(span)
    for of_room in sorted(rooms.values(), key=lambda some: some[0].entry.room_number):
        yield of_room[0].entry.room, of_room


def _assign_columns(spans: list[_Span]) -> list[list[_Span]]:
    """Distribute the talks of a room to the minimum number of columns."""
    columns: list[list[_Span]] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        free = next(
            (column_spans for column_spans in columns if column_spans[-1].end <= span.start), None
        )
        if free is None:
            columns.append([span])
        else:
            free.append(span)
    return columns


def _column_cells(
    column_spans: list[_Span], column: int, index: dict[int, int]
) -> Iterator[tuple[int, GridCell]]:
    """Yield the cells of a column from top to bottom, each with the index of its first row."""
    free_from = 0
    for start, end, entry in column_spans:
        first, after = index[start], index[end]
        if first > free_from:
            yield free_from, GridCell(column=column, rows=first - free_from)
        yield first, GridCell(column=column, rows=after - first, entry=entry, minutes=end - start)
        free_from = after
    if (last := len(index) - 1) > free_from:
        yield free_from, GridCell(column=column, rows=last - free_from)
