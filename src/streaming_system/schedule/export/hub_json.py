"""Exports schedule.json, version 2, of the C3's hub.

https://github.com/voc/schedule has its JSON Schema (``schema2.json``). Fields that it cannot carry
are in ``schedule.streaming_system``, by guid of the talk: the schema allows more keys there.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from streaming_system.schedule.export_talks import (
    ExportRoom,
    ExportTalk,
    ScheduleExport,
    slugify,
)
from streaming_system.schedule.model import Link
from streaming_system.schedule.site_links import EXTENSION_KEY, GENERATOR

# The types of talks in the schema.
HUB_TYPES = {
    "CONCERT", "DISCUSSION", "GAME", "HANDS-ON", "LIGHTNING_TALK", "MEETING", "OTHER",
    "PERFORMANCE", "TALK", "WORKSHOP",
}  # fmt: skip
OTHER_NAMES = {"LECTURE": "TALK", "PRESENTATION": "TALK", "PODIUM": "DISCUSSION"}
MIN_SLUG_CHARS = 2

_LANGUAGE = re.compile(r"[a-z]{2}", re.ASCII)


def to_hub_json(export: ScheduleExport) -> bytes:
    """Return schedule.json, version 2."""
    tracks = _unique_slugs(talk.slot.track for talk in export.talks if talk.slot.track)
    rooms = _unique_slugs(room.id for room in export.rooms)
    details = {talk.guid: _extensions(talk) for talk in export.talks}
    document = {
        "generator": {"name": GENERATOR},
        "schedule": {
            "version": export.version,
            "base_url": f"{export.site.url}/",
            "conference": {
                "acronym": export.acronym,
                "title": export.site.title,
                "start": export.days[0].start.isoformat(),
                "end": export.days[-1].end.isoformat(),
                "timeslot_duration": "PT5M",
                "time_zone_name": export.zone.key,
                "url": f"{export.site.url}/",
                "tracks": [{"name": name, "slug": slug} for name, slug in tracks.items()],
                "rooms": [_room(room, rooms[room.id]) for room in export.rooms],
                "days": [
                    {
                        "index": day.index,
                        "date": day.date.isoformat(),
                        "start": day.start.isoformat(),
                        "end": day.end.isoformat(),
                    }
                    for day in export.days
                ],
            },
            "events": [
                _talk(talk, export, tracks, rooms)
                for talk in sorted(export.talks, key=lambda talk: talk.slot.start)
            ],
            EXTENSION_KEY: {guid: fields for guid, fields in details.items() if fields},
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def _room(room: ExportRoom, slug: str) -> dict[str, str]:
    reference = {"name": room.name, "slug": slug, "guid": room.guid}
    return reference | {"stream_id": room.id, "url": room.page}


def _talk(
    talk: ExportTalk, export: ScheduleExport, tracks: dict[str, str], rooms: dict[str, str]
) -> dict[str, Any]:
    slot, room = talk.slot, talk.room
    return {
        "type": _hub_type(slot.talk_type),
        "guid": talk.guid,
        "start": talk.start.isoformat(),
        "end": talk.end.isoformat(),
        "room": {"name": room.name, "slug": rooms[room.id], "guid": room.guid},
        "url": talk.url,
        "slug": export.slug(talk),
        "title": slot.title,
        "subtitle": slot.subtitle or None,
        "language": slot.language if _LANGUAGE.fullmatch(slot.language) else None,
        "track": {"slug": tracks[slot.track]} if slot.track else None,
        "abstract": slot.abstract or None,
        "description": None,
        "participants": [asdict(person) | {"role": "SPEAKER"} for person in talk.persons],
        "links": _links(talk),
        "attachments": [_link(link) for link in slot.attachments],
    }


def _links(talk: ExportTalk) -> list[dict[str, str]]:
    links = [
        {"type": link_type, "title": title, "url": url}
        for (title, url), link_type in zip(talk.room.site_links, ("MEDIA", "RELATED"), strict=True)
    ]
    if talk.slot.feedback_url:
        links.append({"type": "FEEDBACK", "url": talk.slot.feedback_url})
    return [*links, *map(_link, talk.slot.links)]


def _link(link: Link) -> dict[str, str]:
    return {"url": link.url} | ({"title": link.title} if link.title else {})


def _hub_type(talk_type: str) -> str:
    name = talk_type.upper().replace(" ", "_")
    name = OTHER_NAMES.get(name, name)
    return name if name in HUB_TYPES else "OTHER"


def _extensions(talk: ExportTalk) -> dict[str, Any]:
    """Return the fields of a talk that the schema cannot carry, by the keys of version 1."""
    slot = talk.slot
    fields = {
        "guid": (slot.guid, talk.guid),
        "id": (talk.number, None),
        "type": (slot.talk_type, _hub_type(slot.talk_type)),
        "language": (slot.language, slot.language if _LANGUAGE.fullmatch(slot.language) else ""),
        "do_not_record": (slot.do_not_record, None),
        "recording_license": (slot.recording_license, ""),
    }
    return {key: value for key, (value, exported) in fields.items() if value != exported}


def _unique_slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a slug of at least two characters for each name."""
    slugs: dict[str, str] = {}
    used: Counter[str] = Counter()
    for name in dict.fromkeys(names):
        slug = slugify(name)
        used[slug] += 1
        is_short = len(slug) < MIN_SLUG_CHARS
        slugs[name] = f"{slug}-{used[slug]}" if used[slug] > 1 or is_short else slug
    return slugs
