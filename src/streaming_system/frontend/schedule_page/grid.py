"""The talks of a day as an HTML table: one or more columns per room, time from top to bottom.

A row ends where a talk starts or ends, and at every half hour. Its height is its duration, so that
a minute has the same height everywhere; only a long gap between talks is cut short. A cell spans
the rows of its talk, so that the table needs no inline styles.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from streaming_system.config import Room
from streaming_system.frontend.schedule_page.schedule_view import ScheduleEntry

TIME_LABEL_INTERVAL = 30  # minutes
# A longer gap without a talk in any room is a single row.
MAX_GAP_MINUTES = 90
# A shorter talk is as high as this, or it could not be seen.
MIN_TALK_MINUTES = 5

# Heights in sixteenths of schedule-grid.css's --unit.
LINE_HEIGHT = 18
CARD_PADDING = 6
SCALES = (2, 3, 4, 5)  # a minute
# The number of lines of text that the shortest talk of a day has, and most of its talks.
MIN_LINES, USUAL_LINES = 1, 4
# A longer text moves with the page within its card.
MAX_LINES = 12


@dataclass(frozen=True, kw_only=True)
class GridCell:
    """A talk or a gap in a column.

    :param columns: its width.
    :param lines: the number of lines of text in the talk's card.
    :param is_tall: its card has room for more than these.
    """

    column: int
    rows: int
    columns: int = 1
    entry: ScheduleEntry | None = None
    lines: int = 0
    is_tall: bool = False


@dataclass(frozen=True, kw_only=True)
class GridRow:
    """A part of the day in which no talk starts or ends.

    :param minutes: its duration, at most half an hour unless it is a gap.
    :param is_gap: no room has a talk for long, and the height is not the duration.
    """

    start: datetime
    end: datetime
    minutes: int
    is_gap: bool
    cells: list[GridCell] = field(default_factory=list)

    @property
    def has_starts(self) -> bool:
        """Whether a talk starts with this row."""
        return any(cell.entry for cell in self.cells)

    @property
    def duration(self) -> timedelta:
        """Its length in time."""
        return timedelta(minutes=self.minutes)

    @property
    def label(self) -> str:
        """Whether its time is shown: "hour", "half" or ""."""
        return {0: "hour", TIME_LABEL_INTERVAL: "half"}.get(self.start.minute, "")


@dataclass(frozen=True, kw_only=True)
class ScheduleGrid:
    """A day as a table.

    :param rooms: each with its number of columns, the maximum number of concurrent talks.
    :param scale: the height of a minute, of :data:`SCALES`.
    """

    rooms: list[tuple[Room, int]]
    rows: list[GridRow]
    scale: int = SCALES[0]

    @property
    def columns(self) -> int:
        """The number of columns of all rooms."""
        return sum(columns for _, columns in self.rooms)


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
    scale = _choose_scale(spans)
    # Empty cells end at hours, which the grid marks with a line.
    ends = [
        number
        for number, row in enumerate(rows)
        if row.label == "hour" or row.is_gap or (number and rows[number - 1].is_gap)
    ]
    rooms = []
    column = 0
    for room, of_room in _by_room(spans):
        columns = _assign_columns(of_room)
        for first, cell in _room_cells(columns, column, index, ends, scale):
            if not rows[first].is_gap:
                rows[first].cells.append(cell)
        rooms.append((room, len(columns)))
        column += len(columns)
    return ScheduleGrid(rooms=rooms, rows=rows, scale=scale)


def _choose_scale(spans: list[_Span]) -> int:
    """Return the least height of a minute with which the texts of a day's talks can be read."""
    lengths = sorted(end - start for start, end, _ in spans)
    needed = max(
        (MIN_LINES * LINE_HEIGHT + CARD_PADDING) / lengths[0],
        (USUAL_LINES * LINE_HEIGHT + CARD_PADDING) / lengths[len(lengths) // 4],
    )
    return next((scale for scale in SCALES if scale >= needed), SCALES[-1])


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
        yield _Span(start, max(end, start + MIN_TALK_MINUTES), entry)


def _build_rows(spans: list[_Span], zone: ZoneInfo) -> tuple[list[GridRow], dict[int, int]]:
    busy = _busy_intervals(spans)
    times = {minute for span in spans for minute in (span.start, span.end)}
    for start, end in busy:
        times.update(_label_times(start, end, zone))
    order = sorted(times)
    gap_starts = {end for _, end in busy}
    rows = [
        GridRow(
            start=datetime.fromtimestamp(start * 60, UTC).astimezone(zone),
            end=datetime.fromtimestamp(end * 60, UTC).astimezone(zone),
            minutes=end - start,
            is_gap=start in gap_starts,
        )
        for start, end in pairwise(order)
    ]
    return rows, {minute: number for number, minute in enumerate(order)}


def _label_times(start: int, end: int, zone: ZoneInfo) -> Iterator[int]:
    """Yield the full and half hours of local time, which may change its offset in between."""
    for minute in range(start + -start % MIN_TALK_MINUTES, end, MIN_TALK_MINUTES):
        local = datetime.fromtimestamp(minute * 60, zone)
        if local.minute % TIME_LABEL_INTERVAL == 0:
            yield minute


def _busy_intervals(spans: list[_Span]) -> list[tuple[int, int]]:
    """Return the intervals with talks in any room, and the short gaps between them."""
    intervals: list[tuple[int, int]] = []
    for start, end, _ in sorted(spans, key=lambda span: span[:2]):
        if intervals and start <= intervals[-1][1] + MAX_GAP_MINUTES:
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


def _room_cells(
    columns: list[list[_Span]], column: int, index: dict[int, int], ends: list[int], scale: int
) -> Iterator[tuple[int, GridCell]]:
    """Yield the cells of a room, each with the index of its first row, column by column.

    A talk without others at its time is as wide as the room.

    :param column: the number of the room's first column.
    :param ends: the rows that an empty cell does not extend into from above.
    """
    alone = _find_alone(columns)
    for number, own_spans in enumerate(columns):
        free_from = 0
        for span in sorted({*own_spans, *alone}, key=lambda span: span.start):
            first, after = index[span.start], index[span.end]
            yield from _empty_cells(column + number, free_from, first, ends)
            free_from = after
            # The first column has the cell of a wide talk.
            if number and span in alone:
                continue
            lines = max(((span.end - span.start) * scale - CARD_PADDING) // LINE_HEIGHT, MIN_LINES)
            yield (
                first,
                GridCell(
                    column=column + number,
                    rows=after - first,
                    columns=len(columns) if span in alone else 1,
                    entry=span.entry,
                    lines=min(lines, MAX_LINES),
                    is_tall=lines > MAX_LINES,
                ),
            )
        yield from _empty_cells(column + number, free_from, len(index) - 1, ends)


def _find_alone(columns: list[list[_Span]]) -> set[_Span]:
    """Return the talks of a room that no other talk overlaps."""
    spans = sorted((span for spans in columns for span in spans), key=lambda span: span.start)
    alone = set()
    latest_end = 0
    for number, span in enumerate(spans):
        is_last = number + 1 == len(spans)
        if latest_end <= span.start and (is_last or spans[number + 1].start >= span.end):
            alone.add(span)
        latest_end = max(latest_end, span.end)
    return alone


def _empty_cells(
    column: int, first: int, after: int, ends: list[int]
) -> Iterator[tuple[int, GridCell]]:
    borders = [first, *ends[bisect_right(ends, first) : bisect_left(ends, after)], after]
    for start, end in pairwise(borders):
        if end > start:
            yield start, GridCell(column=column, rows=end - start)
