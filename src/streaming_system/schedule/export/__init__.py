"""Exports the schedule in the formats of phone apps and calendars, with links to the streams.

A document of any format can be imported again without loss, see ``docs/reference/feeds.md``.
"""

from collections.abc import Callable, Mapping

from streaming_system.config import Room
from streaming_system.schedule.export.hub_json import to_hub_json
from streaming_system.schedule.export.ics import to_ics
from streaming_system.schedule.export.schedule_json import to_json
from streaming_system.schedule.export.schedule_xml import to_xml
from streaming_system.schedule.export_talks import ExportSite, ScheduleExport, collect_export
from streaming_system.schedule.model import Schedule

EXPORT_FORMATS: Mapping[str, Callable[[ScheduleExport], bytes]] = {
    "frab-xml": to_xml,
    "json": to_json,
    "hub-json": to_hub_json,
    "ics": to_ics,
}


def export_schedule(
    schedule: Schedule, rooms: Mapping[str, Room], site: ExportSite, export_format: str
) -> bytes:
    """Return the talks of the configured rooms as a document.

    :param rooms: the configured rooms, by id.
    :param export_format: a key of :data:`EXPORT_FORMATS`.
    """
    return EXPORT_FORMATS[export_format](collect_export(schedule, rooms, site))
