"""Exports schedule.json, version 1: https://github.com/voc/schedule has its JSON Schema.

The schema allows no other keys in an event, so the guids of the feed that are no UUIDs are in
``schedule.streaming_system``.
"""

import json
from typing import Any

from streaming_system.schedule.export_talks import ExportDay, ExportTalk, ScheduleExport
from streaming_system.schedule.model import Link
from streaming_system.schedule.site_links import EXTENSION_KEY, GENERATOR


def to_json(export: ScheduleExport) -> bytes:
    """Return schedule.json, version 1."""
    feed_guids = {
        talk.guid: {"guid": talk.slot.guid} for talk in export.talks if talk.guid != talk.slot.guid
    }
    document = {
        "generator": {"name": GENERATOR},
        "schedule": {
            "version": export.version,
            "base_url": f"{export.site.url}/",
            "conference": {
                "acronym": export.acronym,
                "title": export.site.title,
                "start": export.days[0].date.isoformat(),
                "end": export.days[-1].date.isoformat(),
                "daysCount": len(export.days),
                "timeslot_duration": "00:05",
                "time_zone_name": export.zone.key,
                "rooms": [{"name": room.name, "guid": room.guid} for room in export.rooms],
                "days": [_day(day) for day in export.days],
            },
            EXTENSION_KEY: feed_guids,
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _day(day: ExportDay) -> dict[str, Any]:
    return {
        "index": day.index,
        "date": day.date.isoformat(),
        "day_start": day.start.isoformat(),
        "day_end": day.end.isoformat(),
        "rooms": {
            room.name: [_talk(talk, day.export) for talk in talks]
            for room, talks in day.talks_by_room.items()
        },
    }


def _talk(talk: ExportTalk, export: ScheduleExport) -> dict[str, Any]:
    slot = talk.slot
    site_links = [
        {"title": title, "url": url, "type": link_type}
        for (title, url), link_type in zip(talk.room.site_links, ("media", "related"), strict=True)
    ]
    fields = {
        "guid": talk.guid,
        "id": talk.number,
        "date": talk.start.isoformat(),
        "start": f"{talk.start:%H:%M}",
        "end": talk.end.isoformat(),
        "duration": f"{talk.minutes // 60:02}:{talk.minutes % 60:02}",
        "room": talk.room.name,
        "slug": export.slug(talk),
        "url": talk.url,
        "title": slot.title,
        "subtitle": slot.subtitle,
        "track": slot.track,
        "type": slot.talk_type,
        "language": slot.language,
        "abstract": slot.abstract,
        "do_not_record": slot.do_not_record,
        "recording_license": slot.recording_license,
        "persons": [
            {"id": person.id, "guid": person.guid, "public_name": person.name}
            for person in talk.persons
        ],
        "links": [*site_links, *map(_link, slot.links)],
        "attachments": [_link(link) for link in slot.attachments],
    }
    return fields | ({"feedback_url": slot.feedback_url} if slot.feedback_url else {})


def _link(link: Link) -> dict[str, str]:
    return {"url": link.url} | ({"title": link.title} if link.title else {})
