"""Tables of any program (CSV, semicolons, tabs), with a configured column map.

``schedule-columns`` in the configuration maps ``room``, ``title``, ``date``, ``start``, ``end`` or
``duration``, ``abstract``, ``speakers``, ``url``, ``track``, ``language`` and ``guid`` to columns;
``date-format`` is the format of dates (default: ``%Y-%m-%d``). Without a date column, ``start`` and
``end`` are full times in ISO 8601. Three layouts need no map: voctosched, Sched.com's import sheet,
and the columns Title, Room, Start, End.
"""

import csv
import io
import re
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
SEPARATORS = ",;\t"
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
    return 0.8 if _select_separator(feed.text, {})[1] else 0.0


def _select_separator(text, configured):
    """Return the separator of a table, and its column map; an empty map if nothing fits.

    :param configured: the configured column map; an empty one for a known layout.
    """
    headers = {separator: _header(text, separator) for separator in SEPARATORS}
    for separator, header in headers.items():
        columns = configured or _known_layout(header)
        if columns and all(columns.get(key) in header for key in REQUIRED_FIELDS):
            return separator, columns
    # For the message: the separator that gives the most columns.
    return max(headers, key=lambda separator: len(headers[separator])), configured


def _header(text, separator):
    try:
        first_row = next(csv.reader(io.StringIO(_table(text)), delimiter=separator), [])
    except csv.Error:
        return set()
    return {name.strip() for name in first_row}


def _table(text):
    """Return a table without the line that names the separator for Excel."""
    return re.sub(r"\Asep=.\r?\n", "", text)


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
    separator, columns = _select_separator(feed.text, context.columns)
    header = _header(feed.text, separator)
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

    return context.parse_located_items(
        _rows(feed.text, separator, context), parse_row, columns["title"]
    )


def _rows(text, separator, context):
    """Yield the position and the cells of each row by column; report rows with broken quotes."""
    first_line = 1 + text.count("\n") - _table(text).count("\n")
    names, rows = None, _strict_rows(_table(text), separator)
    for offset, row in rows if rows is not None else _rows_of_lines(_table(text), separator):
        location = f"line {first_line + offset}"
        if row is None:
            context.skip("bad-value", location, detail="the quotation marks do not match")
        elif names is None:
            names = [name.strip() for name in row]
        elif any(cell.strip() for cell in row):
            yield location, dict(zip(names, row, strict=False))


def _strict_rows(text, separator):
    """Return the rows of a table with the line of each; ``None`` if a quoted cell does not end."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, line = [], 0
    try:
        for row in reader:
            rows.append((line, row))
            line = reader.line_num
    except csv.Error:
        return None
    return rows


def _rows_of_lines(text, separator):
    """Yield each line as a row, so that a broken one costs only itself; ``None`` for that one."""
    for number, line in enumerate(text.splitlines()):
        try:
            yield number, next(csv.reader([line], delimiter=separator, strict=True), [])
        except csv.Error:
            yield number, None


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
    if not cell("end"):
        return context.parse_end(start, duration=cell("duration"))
    end = _parse_time(cell("date"), cell("end"), columns, context)
    # A talk that ends before its start ends on the next day.
    end = end if end >= start else end + timedelta(days=1)
    return context.parse_end(start, end=end, duration=cell("duration"))
