"""CSV tables of any program, with a configured column map.

``schedule-columns`` in the configuration maps ``room``, ``title``, ``date``, ``start``, ``end`` or
``duration``, ``abstract``, ``speakers``, ``url``, ``track``, ``language`` and ``guid`` to columns;
``date-format`` is the format of dates (default: ``%Y-%m-%d``). Without a date column, ``start`` and
``end`` are full times in ISO 8601. Three layouts need no map: voctosched, Sched.com's import sheet,
and the columns Title, Room, Start, End.
"""

import csv
import io
from datetime import timedelta

from streaming_system.plugin import (
    Feed,
    FeedError,
    Parser,
    SkipEntryError,
    Talk,
    clean_str_list,
    hookimpl,
    html_from_unknown_markup,
    parse_duration,
)

VOCTOSCHED_COLUMNS = {
    "room": "Room",
    "date": "Date",
    "start": "Start",
    "duration": "Duration",
    "title": "Title",
    "guid": "ID",
    "abstract": "Abstract",
    "language": "Language",
    "speakers": "Speakers",
}
SCHED_SHEET_COLUMNS = {
    "room": "Room/Location",
    "date": "Date",
    "start": "Time Start",
    "end": "Time End",
    "title": "Session Title",
    "abstract": "Description (Optional)",
    "track": "Schedule Track (Optional)",
    "date-format": "%m-%d-%Y",
}
DEFAULT_COLUMNS = {"room": "Room", "title": "Title", "start": "Start", "end": "End"}
REQUIRED_FIELDS = ("room", "title", "start")
CLOCK_FORMATS = ("%H:%M", "%H:%M:%S", "%I:%M %p")


@hookimpl
def register_parsers():
    return [
        Parser(
            name="csv",
            summary="a table, with schedule-columns to say what a column holds",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    if feed.kind != "text":
        return 0.0
    # Tables that need a column map also need schedule-format.
    return 0.8 if _known_layout(_header(feed)) else 0.0


def _header(feed):
    first_row = next(csv.reader(io.StringIO(feed.text)), [])
    return {name.strip() for name in first_row}


def _known_layout(header):
    for layout in (VOCTOSCHED_COLUMNS, SCHED_SHEET_COLUMNS, DEFAULT_COLUMNS):
        required = {
            layout[key] for key in (*REQUIRED_FIELDS, "date", "end", "duration") if key in layout
        }
        if required <= header:
            return layout
    return None


def parse(feed, context):
    if feed.kind != "text":
        raise FeedError(f"the feed is a {feed.kind} document, not a table")
    try:
        reader = csv.DictReader(io.StringIO(feed.text, newline=""), strict=True)
        rows = list(reader)
    except csv.Error as error:
        raise FeedError(f"not a valid table, line {reader.line_num}: {error}") from None
    header = {name.strip() for name in reader.fieldnames or [] if name}
    columns = context.columns or _known_layout(header)
    if not columns:
        raise FeedError("nothing says which column holds what: set schedule-columns")
    # The table of an event with one room needs no column for it.
    required = [key for key in REQUIRED_FIELDS if key != "room" or key in columns]
    missing = [key for key in required if columns.get(key) not in header]
    if missing:
        raise FeedError(
            f"the table has no column for {', '.join(missing)}; "
            f"its columns are: {', '.join(sorted(header))[:300]}"
        )
    rows = [
        {name.strip(): value for name, value in row.items() if isinstance(name, str)}
        for row in rows
    ]

    def parse_row(row):
        def cell(key):
            return (row.get(columns.get(key, "")) or "").strip()

        start = _parse_time(cell("date"), cell("start"), columns, context)
        return Talk(
            rooms=clean_str_list(cell("room")),
            start=start,
            end=_parse_end(cell, start, columns, context),
            title=cell("title"),
            abstract=html_from_unknown_markup(cell("abstract")),
            url=cell("url"),
            guid=f"csv-{cell('guid')}" if cell("guid") else "",
            number=cell("guid"),
            speakers=clean_str_list(cell("speakers").split(",")),
            track=cell("track"),
            language=cell("language"),
        )

    located_rows = ((f"line {number}", row) for number, row in enumerate(rows, 2))
    return context.parse_located_items(located_rows, parse_row, columns["title"])


def _parse_time(date, clock, columns, context):
    if "date" not in columns:
        return context.parse_time(clock)
    if not date or not clock:
        raise SkipEntryError("no-time", "no day or no time")
    date_format = columns.get("date-format", "%Y-%m-%d")
    return context.parse_time(
        f"{date} {clock}", *(f"{date_format} {time}" for time in CLOCK_FORMATS)
    )


def _parse_end(cell, start, columns, context):
    if cell("end"):
        end = _parse_time(cell("date"), cell("end"), columns, context)
        # A talk that ends before its start ends on the next day.
        return end if end >= start else end + timedelta(days=1)
    if not cell("duration"):
        raise SkipEntryError("no-time", "neither end nor duration")
    return start + parse_duration(cell("duration"))
