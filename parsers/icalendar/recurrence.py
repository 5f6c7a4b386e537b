"""Series of events over a whole calendar: revisions, cancellations, occurrences (RFC 5545)."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import icalendar
import recurring_ical_events
from icalendar.error import BrokenCalendarProperty
from icalendar.prop import vDDDLists, vDDDTypes

from streaming_system.plugin import SkipEntryError

from .events import CalendarEvent, describe_invalid, in_utc, is_date, time_of
from .rules import MAX_OCCURRENCES, MAX_RECURRENCE_SPAN, list_starts

# The window of the expansion is in UTC, and times can have any zone.
WINDOW_MARGIN = timedelta(days=2)
# What a change takes over from its series if it is incomplete.
INHERITED = {"CATEGORIES", "DESCRIPTION", "LOCATION", "SUMMARY", "UID", "URL"}
INVALID_VALUE_ERRORS = (
    BrokenCalendarProperty,
    AttributeError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    # A zone that the library looks up as a file.
    OSError,
)


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """An event at one time.

    :param event: the component that it comes from.
    :param component: its properties; different from those of ``event`` if that is a series.
    :param guid: stays the same if the occurrence moves.
    """

    event: CalendarEvent
    component: icalendar.Event
    guid: str


def list_occurrences(events: list[CalendarEvent], context) -> Iterator[Occurrence]:
    """Yield the occurrences of all events of a feed, and report those that it leaves out.

    Events with the same UID belong together, also if they are in different calendars.
    """
    groups: dict[str, list[CalendarEvent]] = {}
    for event in events:
        groups.setdefault(event.uid or event.location, []).append(event)
    for group in groups.values():
        yield from _EventGroup(group, context).occurrences()


class _EventGroup:
    """The events with one UID."""

    def __init__(self, events, context):
        self.context = context
        series = [event for event in events if event.recurrence_id is None]
        self.series = self._latest(series)
        changes = defaultdict(list)
        for event in events:
            if event.recurrence_id is not None:
                for whole in self.series[:1]:
                    _align_recurrence_id(event, whole)
                changes[in_utc(event.recurrence_id)].append(event)
        self.changes = [
            self._choose_change(changes[recurrence_id]) for recurrence_id in sorted(changes)
        ]

    def occurrences(self) -> Iterator[Occurrence]:
        series = self._without_cancelled()
        if any(event.is_private for event in series):
            for event in (*series, *self.changes):
                self._skip(event, "private", "its CLASS is not PUBLIC")
            return
        # A feed can use one UID for different events: the changes belong to the series of them.
        owner = next((event for event in series if event.repeats), next(iter(series), None))
        for event in series:
            changes = self.changes if event is owner else []
            if event.repeats or changes:
                yield from self._expand(event, changes)
            else:
                yield Occurrence(event=event, component=event.component, guid=event.uid)
        if owner is None:
            yield from self._single_changes(self.changes)

    def _latest(self, events):
        """Return the events with the highest SEQUENCE; of those at one time, the last modified.

        Some feeds use one UID for different events, so LAST-MODIFIED alone does not decide.
        """
        highest = max((event.sequence for event in events), default=0)
        modified = defaultdict(float)
        for event in events:
            key = event.sequence, _utc_start(event)
            modified[key] = max(modified[key], event.modified)
        latest = []
        for event in events:
            if event.sequence < highest:
                self._skip(event, "duplicate", f"SEQUENCE {event.sequence} is older than {highest}")
            elif 0 < event.modified < modified[event.sequence, _utc_start(event)]:
                self._skip(event, "duplicate", "another revision was modified later")
            else:
                latest.append(event)
        return latest

    def _choose_change(self, events):
        """Return the latest change of an occurrence; of equal ones, the cancellation."""
        latest = max(events, key=_revision)
        for event in events:
            if event is not latest:
                self._skip(event, "duplicate", "an older revision of this occurrence")
        return latest

    def _without_cancelled(self):
        """Return the series that take place."""
        cancelled = [event for event in self.series if event.is_cancelled]
        starts = {in_utc(event.start) for event in cancelled if event.start is not None}
        all_cancelled = any(event.cancels or event.start is None for event in cancelled)
        left = []
        for event in self.series:
            if event.is_cancelled or all_cancelled or _utc_start(event) in starts:
                self._skip(event, "cancelled")
            else:
                left.append(event)
        if cancelled and not left:
            # Only a later revision of an occurrence survives the cancellation of its series.
            sequence = max(event.sequence for event in cancelled)
            for event in self.changes:
                if event.sequence <= sequence:
                    self._skip(event, "cancelled")
            self.changes = [event for event in self.changes if event.sequence > sequence]
        return left

    def _expand(self, series, changes) -> Iterator[Occurrence]:
        try:
            components = self._list_components(series, self._relevant_changes(series, changes))
        except SkipEntryError as skip:
            self._skip(series, skip.reason, str(skip))
            yield from self._single_changes(changes)
            return
        except INVALID_VALUE_ERRORS:
            self._skip(series, "bad-value", "its recurrence has an invalid value")
            yield from self._single_changes(changes)
            return
        if "EXRULE" in series.component:
            self.context.warn(f"{series.location}: EXRULE has no effect: use EXDATE")
        by_id = {in_utc(change.recurrence_id): change for change in changes}
        for component in components:
            start = time_of(component, "DTSTART")
            change = by_id.get(in_utc(time_of(component, "RECURRENCE-ID") or start))
            if change is not None:
                # After a change with RANGE=THISANDFUTURE, the series is shifted.
                start -= in_utc(change.start or change.recurrence_id) - in_utc(change.recurrence_id)
            yield Occurrence(
                event=change or series,
                component=component,
                guid=_occurrence_guid(series, start) if series.repeats else series.uid,
            )

    def _relevant_changes(self, series, changes):
        """Leave out changes of occurrences that a later revision of the series does not have."""
        outdated = [change for change in changes if change.sequence < series.sequence]
        if not outdated:
            return changes
        starts = {in_utc(time_of(item, "DTSTART")) for item in self._list_components(series, [])}
        for change in outdated:
            if in_utc(change.recurrence_id) not in starts:
                self._skip(change, "duplicate", "its series has changed since")
        return [
            change
            for change in changes
            if change not in outdated or in_utc(change.recurrence_id) in starts
        ]

    def _single_changes(self, changes) -> Iterator[Occurrence]:
        """Yield changed occurrences whose series is not in the feed, or cannot be expanded."""
        for change in changes:
            guid = _occurrence_guid(change, change.recurrence_id)
            if change.is_cancelled:
                self._skip(change, "cancelled")
            else:
                yield Occurrence(event=change, component=change.component, guid=guid)

    def _list_components(self, series, changes):
        def warn(message):
            self.context.warn(f"{series.location}: {message}")

        return _list_components(series, changes, warn)

    def _skip(self, event, reason, detail=""):
        self.context.skip(reason, event.location, event.title, detail)


def _revision(event):
    return event.sequence, event.modified, event.is_cancelled


def _utc_start(event):
    return None if event.start is None else in_utc(event.start)


def _list_components(
    series: CalendarEvent, changes: list[CalendarEvent], warn
) -> list[icalendar.Event]:
    """Return the occurrences of a series, sorted by start.

    :raises SkipEntryError: if its rules are unbounded, or repeat more often than daily.
    """
    if not isinstance(series.start, datetime):
        if "DTSTART" not in series.component:
            raise SkipEntryError("no-time", "no DTSTART")
        if is_date(series.start):
            raise SkipEntryError("all-day")
        raise SkipEntryError("bad-value", describe_invalid(series.component, "DTSTART"))
    rules = _as_list(series.component.get("RRULE"))
    starts = [start for rule in rules for start in list_starts(rule, series.start, warn)]
    component = series.component.copy()
    component.pop("RRULE", None)
    component["RDATE"] = [vDDDLists(starts), *_as_list(series.component.get("RDATE"))]
    calendar = icalendar.Calendar()
    calendar.add_component(component)
    for change in changes:
        calendar.add_component(_complete_change(change, series))
    times = [series.start, *(change.start or change.recurrence_id for change in changes)]
    times += _listed_dates(series.component)
    zone = UTC if series.start.tzinfo is not None else None
    begin, start = min(map(in_utc, times)), in_utc(series.start)
    begin = max(begin, start - MAX_RECURRENCE_SPAN) - WINDOW_MARGIN
    occurrences = recurring_ical_events.of(calendar).between(
        begin.replace(tzinfo=zone),
        (start + MAX_RECURRENCE_SPAN + WINDOW_MARGIN).replace(tzinfo=zone),
    )
    if len(occurrences) > MAX_OCCURRENCES + len(changes):
        raise SkipEntryError("bad-value", "repeats too often")
    occurrences.sort(key=lambda item: in_utc(item["DTSTART"].dt))
    return occurrences


def _align_recurrence_id(change: CalendarEvent, series: CalendarEvent):
    """Give a RECURRENCE-ID that is a date, or has no zone, the time and zone of the series."""
    identifier, start = change.recurrence_id, series.start
    if not isinstance(start, datetime):
        return
    if is_date(identifier):
        identifier = datetime.combine(identifier, start.timetz())
    elif identifier.tzinfo is None:
        identifier = identifier.replace(tzinfo=start.tzinfo)
    change.component["RECURRENCE-ID"].dt = identifier


def _complete_change(change: CalendarEvent, series: CalendarEvent) -> icalendar.Event:
    """Return a change with what it takes over from its series; a cancellation has little else."""
    component = change.component.copy()
    for name in INHERITED.difference(component):
        if name in series.component:
            component[name] = series.component[name]
    if change.start is None:
        component["DTSTART"] = vDDDTypes(change.recurrence_id)
    end = time_of(series.component, "DTEND")
    if not {"DTEND", "DURATION"}.intersection(component):
        if isinstance(end, datetime):
            component["DURATION"] = vDDDTypes(end - series.start)
        elif "DURATION" in series.component:
            component["DURATION"] = series.component["DURATION"]
    return component


def _listed_dates(component):
    for dates in _as_list(component.get("RDATE")):
        for item in dates.dts:
            yield item.dt[0] if isinstance(item.dt, tuple) else item.dt


def _as_list(value):
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _occurrence_guid(series: CalendarEvent, start) -> str:
    """Return the guid of an occurrence: the UID and its start, as the series has it."""
    if not series.uid:
        return ""
    zone = series.start.tzinfo if isinstance(series.start, datetime) else None
    if isinstance(start, datetime) and start.tzinfo is not None and zone is not None:
        with contextlib.suppress(OverflowError):
            start = start.astimezone(zone)
    return f"{series.uid}-{start:%Y%m%dT%H%M}"
