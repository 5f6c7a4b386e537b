"""The day of a schedule in the formats of Pentabarf and frab, which gives times to its events."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed_times import parse_date_time
from streaming_system.plugin.skipped_entry import SkipEntryError

# Where a day of the feed spans midnight, and names no other time.
DEFAULT_DAY_CHANGE = timedelta(hours=4)

_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::\d\d)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class ScheduleDay:
    """A day of a feed, as texts of the feed; each can be empty.

    :param date: ISO 8601.
    :param start: when the day starts; ISO 8601.
    :param end: when the day ends, which can be after midnight; ISO 8601.
    :param day_change: times of day before this one belong to the next morning: "09:00".
    """

    date: str = ""
    start: str = ""
    end: str = ""
    day_change: str = ""

    def parse_start(self, context: ParseContext, date: str, clock: str) -> datetime:
        """Return the start of an event in UTC.

        A date with a time counts; a date alone needs the clock, and without a date, the one of the
        day counts. Disagreements are reported.

        :param date: of the event: ISO 8601.
        :param clock: the time of day, "10:00".
        :raises SkipEntryError: if neither is a time.
        """
        time_of_day = parse_clock(clock)
        if date and not _DATE.fullmatch(date):
            start = context.parse_time(date)
            self._count_conflicts(context, _local_time(date, start, context), time_of_day)
            return start
        if time_of_day is None:
            raise SkipEntryError("no-time", "neither date nor start")
        if _DATE.fullmatch(date) and date != self.date:
            return context.parse_time(f"{date}T{_format_clock(time_of_day)}")
        return self._parse_day_and_clock(context, time_of_day)

    def set_event_end(self, context: ParseContext) -> None:
        """Tell the context when the event ends, if the day has an end."""
        try:
            end = context.parse_time(self.end)
        except SkipEntryError:
            return
        if context.event_end is None or end > context.event_end:
            context.event_end = end

    def _parse_day_and_clock(self, context: ParseContext, time_of_day: timedelta) -> datetime:
        text = f"{self.date}T{_format_clock(time_of_day)}"
        change = parse_clock(self.day_change)
        if change is None and self._spans_midnight():
            change = DEFAULT_DAY_CHANGE
        if change is not None and time_of_day < change:
            # The same local time on the next day, which can be 23 or 25 hours later.
            text = (parse_date_time(text) + timedelta(days=1)).isoformat()
        return context.parse_time(text)

    def _spans_midnight(self) -> bool:
        start, end = self.start[:10], self.end[:10]
        return bool(start and end and start != end)

    def _count_conflicts(
        self, context: ParseContext, local: datetime | None, time_of_day: timedelta | None
    ) -> None:
        if local is None:
            return
        if time_of_day not in (None, timedelta(hours=local.hour, minutes=local.minute)):
            context.count("events have a date that disagrees with their start; the date is taken")
        if _DATE.fullmatch(self.date[:10]):
            try:
                day = date.fromisoformat(self.date[:10])
            except ValueError:
                return
            # A day of the feed can end after midnight, and wafer's begins in UTC.
            if abs((local.date() - day).days) > 1:
                context.count("events have a date outside of their day; the date is taken")


def parse_clock(value: str) -> timedelta | None:
    """Return the time since midnight of a text such as "9:30"; ``None`` if it is invalid."""
    match = _CLOCK.fullmatch(value.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        return None
    return timedelta(hours=int(match[1]), minutes=int(match[2]))


def _local_time(value: str, start: datetime, context: ParseContext) -> datetime | None:
    """Return the start on the clocks of the event; ``None`` if the feed only has it in UTC."""
    written = parse_date_time(value)
    if written.utcoffset() != timedelta(0):
        return written
    zone = context.effective_timezone
    return start.astimezone(zone) if zone else None


def _format_clock(time_of_day: timedelta) -> str:
    hours, minutes = divmod(int(time_of_day.total_seconds()) // 60, 60)
    return f"{hours:02}:{minutes:02}"
