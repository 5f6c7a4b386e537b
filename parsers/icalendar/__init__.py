"""iCalendar (RFC 5545) of pretalx, Sched.com, symposion, Indico, EMF and many others.

``LOCATION`` is the room. Recurrence rules are expanded only if they are bounded and repeat daily or
less often; the expansion of other rules may never end. All-day entries are skipped.
"""

import itertools
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lxml import html as lxml_html

from streaming_system.plugin import (
    Feed,
    FeedOrigin,
    Parser,
    SkipEntryError,
    Talk,
    clean_str_list,
    hookimpl,
    html_from_plain_text,
    html_from_unknown_markup,
)

from .content_lines import parse_components
from .events import (
    describe_invalid,
    is_cancelled,
    is_date,
    parse_event,
    text_of,
    value_of,
)
from .own_export import restore_talk
from .recurrence import INVALID_VALUE_ERRORS, list_occurrences
from .zones import CalendarZones

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
    return float(feed.kind == "ics")


def parse(feed, context):
    roots = parse_components(feed.data, context.warn)
    symposion = any("linux.conf.au" in root.value("PRODID") for root in roots)
    products = [root.value("PRODID") for root in roots]
    origin = FeedOrigin.of_calendar(products[0] if len(products) == 1 else "")
    context.has_plain_texts = origin.is_own_export
    zone_name = next(filter(None, (root.value("X-WR-TIMEZONE") for root in roots)), "")
    context.set_feed_timezone(zone_name)
    used_zones = Counter()
    events = list(_parse_events(roots, context, used_zones))
    occurrences = (
        (
            occurrence.event.location,
            {"title": text_of(occurrence.component, "SUMMARY"), "occurrence": occurrence},
        )
        for occurrence in list_occurrences(events, context)
    )

    def parse_item(item):
        talk = _parse_talk(item["occurrence"], context, symposion)
        component = item["occurrence"].component
        return restore_talk(talk, component, origin) if origin.is_own_export else talk

    yield from context.parse_located_items(occurrences, parse_item)
    if context.feed_timezone is None and used_zones:
        # After the last talk: the configured zone comes first for times without zone.
        [(zone, _)] = used_zones.most_common(1)
        context.set_feed_timezone(zone.key)


def _parse_events(roots, context, used_zones):
    numbers = itertools.count(1)
    for root in roots:
        zones = CalendarZones(root, context, used_zones)
        cancels = root.value("METHOD").upper() == "CANCEL"
        for component in [root] if root.name == "VEVENT" else root.children("VEVENT"):
            location = f"event {next(numbers)}"
            try:
                yield parse_event(component, location, zones, context.warn, cancels=cancels)
            except SkipEntryError as skip:
                context.skip(skip.reason, location, component.value("SUMMARY"), str(skip))
            except INVALID_VALUE_ERRORS:
                title = component.value("SUMMARY")
                context.skip("bad-value", location, title, f"line {component.line} is invalid")


def _parse_talk(occurrence, context, symposion):
    component, event = occurrence.component, occurrence.event
    if event.is_cancelled or is_cancelled(component):
        raise SkipEntryError("cancelled")
    if event.is_private:
        raise SkipEntryError("private", "its CLASS is not PUBLIC")
    start = _parse_time(component, "DTSTART", event, context)
    title, description = text_of(component, "SUMMARY"), text_of(component, "DESCRIPTION")
    talk_type = ""
    if symposion and SYMPOSION_SUMMARY.fullmatch(title):
        title = _first_line(description) or title
    elif match := TYPE_PREFIX.match(title):
        talk_type, title = match[1], title[match.end() :]
    return Talk(
        rooms=clean_str_list(text_of(component, "LOCATION")),
        start=start,
        end=_parse_end(component, start, event, context),
        title=title,
        abstract=html_from_unknown_markup(description, fallback=html_from_plain_text),
        url=text_of(component, "URL"),
        guid=occurrence.guid,
        track=_categories(component),
        talk_type=talk_type,
    )


def _parse_time(component, name, event, context):
    if name not in component:
        raise SkipEntryError("no-time", f"no {name}")
    time = value_of(component, name)
    if is_date(time):
        raise SkipEntryError("all-day")
    if not isinstance(time, datetime):
        raise SkipEntryError("bad-value", describe_invalid(component, name))
    if time.tzinfo is not None:
        if isinstance(time.tzinfo, ZoneInfo) and name == "DTSTART" and _is_doubtful(time):
            return context.parse_time(_format_naive(time), zone=time.tzinfo)
        return time
    zone = event.default_zone or context.effective_timezone
    if zone is None and event.unknown_zone:
        raise SkipEntryError(
            "no-time",
            f"its time zone {event.unknown_zone[:60]!r} is unknown: correct it in the feed, "
            "or set schedule-timezone",
        )
    return context.parse_time(_format_naive(time), zone=zone)


def _is_doubtful(time):
    """Return whether a local time comes twice, or never, because the clocks change."""
    return time.utcoffset() != time.replace(fold=1).utcoffset()


def _format_naive(time):
    return time.replace(tzinfo=None, microsecond=0).isoformat(" ")


def _parse_end(component, start, event, context):
    if "DTEND" in component:
        end = _parse_time(component, "DTEND", event, context)
        if end.astimezone(UTC) <= start.astimezone(UTC):
            # In autumn an hour comes twice: only the second one is after the start.
            end = max(end, end.replace(fold=1), key=lambda time: time.astimezone(UTC))
        return end
    duration = value_of(component, "DURATION")
    if duration is None and "DURATION" in component:
        value = text_of(component, "DURATION")
        raise SkipEntryError("bad-value", f"DURATION {value[:40]!r} is no duration")
    if not isinstance(duration, timedelta):
        raise SkipEntryError("no-time", "neither DTEND nor DURATION")
    # Durations are exact; local arithmetic would ignore clock changes.
    return start.astimezone(UTC) + duration


def _categories(component):
    categories = component.get("CATEGORIES")
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
