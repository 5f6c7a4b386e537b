"""Says in the log what an import has changed: the first to be told, and an example for others."""

import logging
from zoneinfo import ZoneInfo

from streaming_system.plugin import hookimpl

log = logging.getLogger("streaming_system.schedule")


@hookimpl
def notify(changes, zones):
    for change in changes:
        # A room that has gone has no zone any more.
        zone = zones.get((change.after or change.before).room, ZoneInfo("UTC"))
        log.info("%s", change.line(zone))
