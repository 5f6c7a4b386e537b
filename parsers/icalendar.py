"""iCalendar (RFC 5545) of pretalx, Sched.com, symposion, Indico, EMF and many others.

``LOCATION`` is the room. Recurrence rules are expanded only if they are bounded and repeat daily or
less often; the expansion of other rules may never end. All-day entries are skipped.
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
    FeedOrigin,
    Parser,
    SkipEntryError,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_plain_text,
    html_from_unknown_markup,
)

from .icalendar_export import restore_talk

ALLOWED_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
MAX_OCCURRENCES = 366
MAX_RECURRENCE_SPAN = timedelta(days=366)
EVENT_BEGIN = re.compile(rb"^BEGIN:VEVENT", re.IGNORECASE | re.MULTILINE)
EVENT_END = re.compile(rb"^END:VEVENT", re.IGNORECASE | re.MULTILINE)
# Symposion's summaries, "Main Conference: talk"; the title is in the description.
SYMPOSION_SUMMARY = re.compile(
    r"[^:]{1,60}: (talk|tutorial|plenary|keynote|miniconf|break|.{1,20})"
)
# "[talk] Title" in feeds of PyCon US.
TYPE_PREFIX = re.compile(r"\[(\w{1,20})\]\s+(?=\S)")


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
        # icalendar opens files of the zone database: a zone "Europe" raises an OSError.
        raise FeedError(f"not valid iCalendar: {str(error).splitlines()[0][:200]}") from None
    if not isinstance(calendar, icalendar.Calendar):
        raise FeedError("not valid iCalendar: it is not one calendar")
    if len(EVENT_BEGIN.findall(feed.data)) != len(EVENT_END.findall(feed.data)):
        raise FeedError("not valid iCalendar: an event begins and does not end")
    context.set_feed_timezone(str(calendar.get("X-WR-TIMEZONE", "")))
    product = str(calendar.get("PRODID", ""))
    origin = FeedOrigin.of_calendar(product)
    symposion = "linux.conf.au" in product

    def parse_item(item):
        try:
            talk = _parse_talk(item["event"], context, symposion)
            return restore_talk(talk, item["event"], origin) if origin.is_own_export else talk
        except BrokenCalendarProperty as error:
            raise SkipEntryError("bad-value", str(error)[:100]) from None

    yield from context.parse_located_items(_occurrences(calendar, context), parse_item)


def _occurrences(calendar, context):
    for number, event in enumerate(calendar.walk("VEVENT"), 1):
        location, title = f"event {number}", _text(event, "SUMMARY")
        if event.errors:
            errors = ", ".join(f"{key}: {message}" for key, message in event.errors)
            context.warn(f"{location}: {errors[:200]}")
        if "RRULE" not in event and "RDATE" not in event:
            yield location, {"event": event, "title": title}
            continue
        try:
            expanded = _expand(event)
        except SkipEntryError as skip:
            context.skip(skip.reason, location, title, str(skip))
            continue
        except (
            BrokenCalendarProperty,
            AttributeError,
            ValueError,
            TypeError,
            ArithmeticError,
            LookupError,
        ) as error:
            context.skip("bad-value", location, title, str(error)[:100])
            continue
        for occurrence in expanded:
            yield location, {"event": occurrence, "title": title}


def _expand(event):
    """Return the occurrences of a recurring event.

    :raises SkipEntryError: if its rules are unbounded, or repeat more often than daily.
    """
    start = _first_value(event, "DTSTART")
    if start is None or not isinstance(start.dt, datetime):
        raise SkipEntryError("all-day")
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        _require_bounded(rule)
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    occurrences = recurring_ical_events.of(calendar).between(
        start.dt, start.dt + MAX_RECURRENCE_SPAN
    )
    if len(occurrences) > MAX_OCCURRENCES:
        raise SkipEntryError("bad-value", "repeats too often")
    # Without any match, the event happens once.
    return occurrences or [event]


def _require_bounded(rule):
    frequency = str((rule.get("FREQ") or [""])[0]).upper()
    count = (rule.get("COUNT") or [None])[0]
    if frequency not in ALLOWED_FREQUENCIES:
        raise SkipEntryError("bad-value", f"repeats {frequency.lower() or 'by no frequency'}")
    if any(key in rule for key in ("BYHOUR", "BYMINUTE", "BYSECOND")):
        raise SkipEntryError("bad-value", "repeats more than once a day")
    if count is None and "UNTIL" not in rule:
        raise SkipEntryError("bad-value", "repeats for ever")
    if count is not None and not 0 < count <= MAX_OCCURRENCES:
        raise SkipEntryError("bad-value", f"repeats {count} times")


def _parse_talk(event, context, symposion):
    if _text(event, "STATUS").upper() == "CANCELLED":
        raise SkipEntryError("cancelled")
    start = _parse_time(event, "DTSTART", context)
    title, description = _text(event, "SUMMARY"), _text(event, "DESCRIPTION")
    talk_type = ""
    if symposion and SYMPOSION_SUMMARY.fullmatch(title):
        title = _first_line(description) or title
    elif match := TYPE_PREFIX.match(title):
        talk_type, title = match[1], title[match.end() :]
    return Talk(
        rooms=clean_str_list(_text(event, "LOCATION")),
        start=start,
        end=_parse_end(event, start, context),
        title=title,
        abstract=html_from_unknown_markup(description, fallback=html_from_plain_text),
        url=_text(event, "URL"),
        guid=_guid(event, start),
        track=_categories(event),
        talk_type=talk_type,
    )


def _parse_time(event, name, context):
    value = _first_value(event, name)
    if value is None:
        raise SkipEntryError("no-time", f"no {name}")
    time = getattr(value, "dt", None)
    if isinstance(time, datetime):
        if time.tzinfo is None:
            # A floating time, or one in an unknown zone.
            return context.parse_time(time.replace(microsecond=0).isoformat(" "))
        return time
    if isinstance(time, date):
        raise SkipEntryError("all-day")
    raise SkipEntryError("bad-value", f"{name} is no time")


def _parse_end(event, start, context):
    if "DTEND" in event:
        return _parse_time(event, "DTEND", context)
    duration = getattr(_first_value(event, "DURATION"), "dt", None)
    if not isinstance(duration, timedelta):
        raise SkipEntryError("no-time", "neither DTEND nor DURATION")
    # Durations are exact; local arithmetic would ignore clock changes.
    return start.astimezone(UTC) + duration


def _first_value(event, name):
    """Return a property; the first value if a broken calendar repeats it."""
    value = event.get(name)
    return value[0] if isinstance(value, list) and value else value


def _text(event, name):
    return clean_str(str(_first_value(event, name) or ""))


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
