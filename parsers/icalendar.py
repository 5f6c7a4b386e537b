"""iCalendar (RFC 5545), as pretalx, Sched.com, symposion, Indico, EMF and many others publish it.

``LOCATION`` is the room. A rule of repetition is expanded only if it is bounded and repeats by days
or longer; a rule by the second would never end. All-day entries are no talks.
"""

import re
from datetime import UTC, date, datetime, timedelta

import icalendar
import recurring_ical_events
from icalendar.error import BrokenCalendarProperty
from lxml import html as lxml_html

from streaming_system.plugin import (
    Feed,
    FeedError,
    Parser,
    SkipEntryError,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_plain_text,
    html_from_unknown_markup,
)

SLOW_ENOUGH = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
MOST_OCCURRENCES = 366
WINDOW = timedelta(days=366)
# "Main Conference: talk", as symposion calls every talk; the title is in the description.
SYMPOSION = re.compile(r"[^:]{1,60}: (talk|tutorial|plenary|keynote|miniconf|break|.{1,20})")
# "[talk] Title", as ics.py's PyCon US feeds have it.
KIND = re.compile(r"\[(\w{1,20})\]\s+(?=\S)")


@hookimpl
def register_parsers():
    return [
        Parser(
            name="icalendar",
            summary="iCalendar (pretalx, Sched.com, symposion, Indico, …)",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    return float(feed.kind == "ics" and b"BEGIN:VEVENT" in feed.data.upper())


def parse(feed, context):
    try:
        calendar = icalendar.Calendar.from_ical(feed.data)
    except (ValueError, LookupError, AttributeError, TypeError, OSError) as error:
        # A zone called "Europe" is a folder of the zones' database, which the library opens.
        raise FeedError(f"not valid iCalendar: {str(error).splitlines()[0][:200]}") from None
    if not isinstance(calendar, icalendar.Calendar):
        raise FeedError("not valid iCalendar: it is not one calendar")
    if feed.data.upper().count(b"BEGIN:VEVENT") != feed.data.upper().count(b"END:VEVENT"):
        raise FeedError("not valid iCalendar: an event begins and does not end")
    context.use_zone(str(calendar.get("X-WR-TIMEZONE", "")))
    symposion = "linux.conf.au" in str(calendar.get("PRODID", ""))

    def read(item):
        try:
            return _talk(item["event"], context, symposion)
        except BrokenCalendarProperty as error:
            raise SkipEntryError("bad-value", str(error)[:100]) from None

    yield from context.read_all(_occurrences(calendar, context), read)


def _occurrences(calendar, context):
    for number, event in enumerate(calendar.walk("VEVENT"), 1):
        where, title = f"event {number}", _text(event, "SUMMARY")
        if event.errors:
            faults = ", ".join(f"{key}: {why}" for key, why in event.errors)
            context.warn(f"{where}: {faults[:200]}")
        if "RRULE" not in event and "RDATE" not in event:
            yield where, {"event": event, "title": title}
            continue
        try:
            expanded = _expand(event)
        except SkipEntryError as skip:
            context.skip(skip.reason, where, title, str(skip))
            continue
        except (
            BrokenCalendarProperty,
            AttributeError,
            ValueError,
            TypeError,
            ArithmeticError,
            LookupError,
        ) as error:
            context.skip("bad-value", where, title, str(error)[:100])
            continue
        for occurrence in expanded:
            yield where, {"event": occurrence, "title": title}


def _expand(event):
    """Return the occurrences of an event that repeats.

    A rule is looked at before it is expanded: expanding a hostile one does not end.
    """
    start = _one(event, "DTSTART")
    if start is None or not isinstance(start.dt, datetime):
        raise SkipEntryError("all-day")
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        frequency = str((rule.get("FREQ") or [""])[0]).upper()
        count = (rule.get("COUNT") or [None])[0]
        if frequency not in SLOW_ENOUGH:
            raise SkipEntryError("bad-value", f"repeats {frequency.lower() or 'by no frequency'}")
        if any(key in rule for key in ("BYHOUR", "BYMINUTE", "BYSECOND")):
            raise SkipEntryError("bad-value", "repeats more than once a day")
        if count is None and "UNTIL" not in rule:
            raise SkipEntryError("bad-value", "repeats for ever")
        if count is not None and not 0 < count <= MOST_OCCURRENCES:
            raise SkipEntryError("bad-value", f"repeats {count} times")
    alone = icalendar.Calendar()
    alone.add_component(event)
    found = recurring_ical_events.of(alone).between(start.dt, start.dt + WINDOW)
    if len(found) > MOST_OCCURRENCES:
        raise SkipEntryError("bad-value", "repeats too often")
    # A rule that never matches leaves the event itself.
    return found or [event]


def _talk(event, context, symposion):
    if _text(event, "STATUS").upper() == "CANCELLED":
        raise SkipEntryError("cancelled")
    start = _time(event, "DTSTART", context)
    title, about = _text(event, "SUMMARY"), _text(event, "DESCRIPTION")
    kind = ""
    if symposion and SYMPOSION.fullmatch(title):
        title = _first_line(about) or title
    elif match := KIND.match(title):
        kind, title = match[1], title[match.end() :]
    return Talk(
        rooms=clean_str_list(_text(event, "LOCATION")),
        start=start,
        end=_end(event, start, context),
        title=title,
        abstract=html_from_unknown_markup(about, otherwise=html_from_plain_text),
        url=_text(event, "URL"),
        guid=_guid(event, start),
        track=_categories(event),
        kind=kind,
    )


def _time(event, name, context):
    value = _one(event, name)
    if value is None:
        raise SkipEntryError("no-time", f"no {name}")
    moment = getattr(value, "dt", None)
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            # Floating, or in a zone that nobody knows.
            return context.time(moment.replace(microsecond=0).isoformat(" "))
        return moment
    if isinstance(moment, date):
        raise SkipEntryError("all-day")
    raise SkipEntryError("bad-value", f"{name} is no time")


def _end(event, start, context):
    if "DTEND" in event:
        return _time(event, "DTEND", context)
    length = getattr(_one(event, "DURATION"), "dt", None)
    if not isinstance(length, timedelta):
        raise SkipEntryError("no-time", "neither DTEND nor DURATION")
    # Only in UTC does an hour always last an hour.
    return start.astimezone(UTC) + length


def _one(event, name):
    """Return a property; the first, where a broken calendar repeats it."""
    value = event.get(name)
    return value[0] if isinstance(value, list) and value else value


def _text(event, name):
    return clean_str(str(_one(event, name) or ""))


def _guid(event, start):
    uid = _text(event, "UID")
    repeats = "RECURRENCE-ID" in event or "RRULE" in event
    return f"{uid}-{start:%Y%m%dT%H%M}" if uid and repeats else uid


def _categories(event):
    categories = event.get("CATEGORIES")
    first = categories[0] if isinstance(categories, list) and categories else categories
    names = getattr(first, "cats", None) or []
    return ", ".join(str(name) for name in names if str(name).strip())


def _first_line(fragment):
    if not fragment:
        return ""
    try:
        lines = lxml_html.fromstring(fragment).text_content().splitlines()
    except (ValueError, lxml_html.etree.ParserError):
        lines = fragment.splitlines()
    return next((line.strip() for line in lines if line.strip()), "")
