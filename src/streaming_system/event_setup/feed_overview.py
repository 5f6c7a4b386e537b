"""Reads the feed of an event, for its rooms, days and time zone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from streaming_system.plugin.feed import FeedError
from streaming_system.schedule_import.feed_reader import (
    FeedReaderOptions,
    ParsedFeed,
    fetch_and_parse,
)

# The room of a feed that names none.
ONLY_ROOM = "Main Hall"


@dataclass(frozen=True, kw_only=True)
class FeedOverview:
    """What a feed says about its event.

    :param rooms: the number of talks of each room, in the order of the first talk.
    :param days: the local days with talks.
    :param timezone: the zone that the feed names, else the supplied one.
    :param names_timezone: whether the feed names it.
    :param skipped: the number of entries that the import leaves out.
    """

    format: str
    rooms: Mapping[str, int]
    days: tuple[date, ...]
    timezone: ZoneInfo
    names_timezone: bool
    talks: int
    skipped: int

    def describe(self) -> str:
        """Return the overview in one line."""
        rooms = _count(len(self.rooms), "room")
        line = f"{_count(self.talks, 'talk')} in {rooms} on {self._describe_days()}"
        left_out = f"; {self.skipped} entries are left out" if self.skipped else ""
        return f"{line} ({self.format}, {self.timezone.key}){left_out}"

    def _describe_days(self) -> str:
        first, last = self.days[0], self.days[-1]
        if first == last:
            return f"{first.day} {first:%B %Y}"
        days = _count(len(self.days), "day")
        return f"{days}, {first.day} {first:%B %Y} to {last.day} {last:%B %Y}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def fetch_overview(source: str, options: FeedReaderOptions, timezone: ZoneInfo) -> FeedOverview:
    """Fetch and parse a feed.

    :param source: a URL or a path.
    :param timezone: the zone of times without offset, unless the feed names one.
    :raises FeedError: if it cannot be imported.
    :raises PluginError: if a parser cannot be loaded.
    """
    feed = _fetch_and_parse(source, options, timezone)
    if feed.is_sample:
        raise FeedError("is the sample event, which is for trials; name your event's feed")
    talks = feed.validated.talks
    zone = feed.timezone or timezone
    return FeedOverview(
        format=feed.format,
        rooms=Counter(room for talk in talks for room in talk.rooms),
        days=tuple(sorted({talk.start.astimezone(zone).date() for talk in talks})),
        timezone=zone,
        names_timezone=feed.timezone is not None,
        talks=len(talks),
        skipped=len(feed.validated.skipped),
    )


def _fetch_and_parse(source: str, options: FeedReaderOptions, timezone: ZoneInfo) -> ParsedFeed:
    try:
        return fetch_and_parse(source, options, timezone)
    except FeedError as error:
        # Calendars of a single track name no room.
        try:
            return fetch_and_parse(source, options, timezone, (ONLY_ROOM,))
        except FeedError:
            raise error from None
