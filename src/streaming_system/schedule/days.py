"""The days of a schedule and its zone, as pages and exports show them."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Talks after midnight belong to the previous day.
DAY_START = timedelta(hours=5)


def schedule_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the day of the schedule on which a talk starts."""
    return (instant.astimezone(zone) - DAY_START).date()


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the start of a day of the schedule, in ``zone``."""
    return datetime.combine(day, time(), zone) + DAY_START


def main_zone(zones: Iterable[ZoneInfo]) -> ZoneInfo:
    """Return the zone of most rooms; the first one of several, and UTC without rooms.

    :param zones: the zones of the rooms, in the order of the configuration.
    """
    counted = Counter(zone.key for zone in zones).most_common(1)
    return ZoneInfo(counted[0][0]) if counted else ZoneInfo("UTC")
