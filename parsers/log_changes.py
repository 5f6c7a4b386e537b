"""Logs the changes of each import; also an example of a plugin without a parser."""

import logging
from zoneinfo import ZoneInfo

from streaming_system.plugin import hookimpl

log = logging.getLogger("streaming_system.schedule")


@hookimpl
def schedule_changed(changes, zones):
    for change in changes:
        # A removed room has no zone.
        zone = zones.get((change.after or change.before).room, ZoneInfo("UTC"))
        log.info("%s", change.describe(zone))
