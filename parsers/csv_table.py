"""Tables: CSV, from whichever program. There is no standard, so a map says what a column holds.

``schedule-columns`` in the configuration names the columns of ``room``, ``title``, ``date``,
``start``, ``end`` or ``duration``, ``abstract``, ``speakers``, ``url``, ``track``, ``language`` and
``guid``, and ``date-format`` how days are written (``%Y-%m-%d`` if it does not say). Without a
column for the date, ``start`` and ``end`` are whole times in ISO 8601. Three layouts need no map:
that of voctosched, that of Sched.com's import sheet, and Title, Room, Start, End.
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

VOCTOSCHED = {
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
SCHED_SHEET = {
    "room": "Room/Location",
    "date": "Date",
    "start": "Time Start",
    "end": "Time End",
    "title": "Session Title",
    "abstract": "Description (Optional)",
    "track": "Schedule Track (Optional)",
    "date-format": "%m-%d-%Y",
}
PLAIN = {"room": "Room", "title": "Title", "start": "Start", "end": "End"}
NEEDED = ("room", "title", "start")
FORMATS = ("%H:%M", "%H:%M:%S", "%I:%M %p")


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
    # A map in the configuration makes up for a layout that nobody knows, but only if it is asked
    # for by schedule-format; so only what needs no map is recognised.
    return 0.8 if _known_layout(_head(feed)) else 0.0


def _head(feed):
    first = next(csv.reader(io.StringIO(feed.text)), [])
    return {name.strip() for name in first}


def _known_layout(head):
    for layout in (VOCTOSCHED, SCHED_SHEET, PLAIN):
        needed = {layout[key] for key in (*NEEDED, "date", "end", "duration") if key in layout}
        if needed <= head:
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
    head = {name.strip() for name in reader.fieldnames or [] if name}
    columns = context.columns or _known_layout(head)
    if not columns:
        raise FeedError("nothing says which column holds what: set schedule-columns")
    missing = [key for key in NEEDED if columns.get(key) not in head]
    if missing:
        raise FeedError(
            f"the table has no column for {', '.join(missing)}; "
            f"its columns are: {', '.join(sorted(head))[:300]}"
        )
    rows = [
        {name.strip(): value for name, value in row.items() if isinstance(name, str)}
        for row in rows
    ]

    def read(row):
        def cell(key):
            return (row.get(columns.get(key, "")) or "").strip()

        start = _moment(cell("date"), cell("start"), columns, context)
        return Talk(
            rooms=clean_str_list(cell("room")),
            start=start,
            end=_end(cell, start, columns, context),
            title=cell("title"),
            abstract=html_from_unknown_markup(cell("abstract")),
            url=cell("url"),
            guid=f"csv-{cell('guid')}" if cell("guid") else "",
            speakers=clean_str_list(cell("speakers").split(",")),
            track=cell("track"),
            language=cell("language"),
        )

    places = ((f"line {number}", row) for number, row in enumerate(rows, 2))
    return context.read_all(places, read, columns["title"])


def _moment(day, clock, columns, context):
    if "date" not in columns:
        return context.time(clock)
    if not day or not clock:
        raise SkipEntryError("no-time", "no day or no time")
    form = columns.get("date-format", "%Y-%m-%d")
    return context.time(f"{day} {clock}", *(f"{form} {time}" for time in FORMATS))


def _end(cell, start, columns, context):
    if cell("end"):
        end = _moment(cell("date"), cell("end"), columns, context)
        # What ends before it starts goes on past midnight.
        return end if end >= start else end + timedelta(days=1)
    if not cell("duration"):
        raise SkipEntryError("no-time", "neither end nor duration")
    return start + parse_duration(cell("duration"))
