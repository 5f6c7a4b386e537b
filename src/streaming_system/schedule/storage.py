"""The schedule file: one JSON document, written by the import and read by the pages.

``{"version": 1, "imported": "2026-11-24T09:00:00Z", "rooms": {ID: {"timezone": ZONE, "events":
[EVENT, …]}}}``, where an EVENT has the fields of :class:`Slot`; times are UTC.
"""

import base64
import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.util.atomic_write import atomic_write

FORMAT_VERSION = 1
# A type of its own, so that nobody compresses it on its way: the digest is of the bytes as sent.
MEDIA_TYPE = "application/vnd.streaming-system.schedule+json"

_SLOT_FIELDS = tuple(field.name for field in dataclasses.fields(Slot))
# What the check of an event's types allows, by field; the rest is text.
_FIELD_TYPES: dict[str, tuple[type, ...]] = {
    "generated": (bool,),
    "do_not_record": (bool, type(None)),
    "speakers": (list,),
}


class ScheduleFileError(Exception):
    """A schedule file that cannot be read or written, with one line that says why."""


def serialize_schedule(schedule: Schedule) -> str:
    """Return the document for a schedule."""
    document = {
        "version": FORMAT_VERSION,
        "imported": _format_utc(schedule.imported) if schedule.imported else None,
        "rooms": {
            room_id: {
                "timezone": room.timezone.key,
                "events": [_serialize_slot(event) for event in room.events],
            }
            for room_id, room in schedule.rooms.items()
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


def deserialize_schedule(text: str) -> Schedule:
    """Return the schedule in a document.

    :raises ScheduleFileError: if it is not a document of this version.
    """
    try:
        document = json.loads(text)
        if document["version"] != FORMAT_VERSION:
            raise ScheduleFileError(
                f"has version {document['version']!r}, but this program reads {FORMAT_VERSION}: "
                "import the schedule again"
            )
        return Schedule(
            rooms={
                room_id: RoomSchedule(
                    timezone=ZoneInfo(room["timezone"]),
                    events=tuple(_deserialize_slot(event) for event in room["events"]),
                )
                for room_id, room in document["rooms"].items()
            },
            imported=_parse_utc(document["imported"]) if document["imported"] else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ScheduleFileError(f"is not a schedule: {error!s:.200}") from None


def repr_digest(document: bytes) -> str:
    """Return what the field ``Repr-Digest`` of an answer with this document says (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(document).digest()).decode()}:"


def load_schedule(path: Path) -> Schedule:
    """Return the schedule in the file at ``path``.

    :raises ScheduleFileError: if there is none, or it is not one of ours.
    """
    try:
        return deserialize_schedule(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScheduleFileError(f"{path}: cannot be read: {error}") from None
    except ScheduleFileError as error:
        raise ScheduleFileError(f"{path}: {error}") from None


def save_schedule(schedule: Schedule, path: Path) -> None:
    """Replace the file at ``path``, whole or not at all.

    The draft is read back by the code that the pages use before it takes the old one's place.

    :raises ScheduleFileError: if it cannot be written; the old file is untouched.
    """
    text = serialize_schedule(schedule)
    if deserialize_schedule(text) != schedule:
        raise ScheduleFileError("the draft does not read back as what was written")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # The pages may run as another user.
        with atomic_write(path, mode=0o644) as file:
            file.write(text.encode())
    except OSError as error:
        raise ScheduleFileError(f"{path}: cannot be written: {error.strerror}") from None


def _serialize_slot(event: Slot) -> dict[str, Any]:
    plain: dict[str, Any] = {name: getattr(event, name) for name in _SLOT_FIELDS}
    return plain | {
        "start": _format_utc(event.start),
        "end": _format_utc(event.end),
        "speakers": list(event.speakers),
    }


def _deserialize_slot(plain: dict[str, Any]) -> Slot:
    if unknown := set(plain) - set(_SLOT_FIELDS):
        raise ValueError(f"unknown field {min(unknown)!r}")
    for name, value in plain.items():
        if not isinstance(value, _FIELD_TYPES.get(name, (str,))):
            raise TypeError(f"{name} is {value!r:.60}")
    if not all(isinstance(name, str) for name in plain.get("speakers", [])):
        raise TypeError("a speaker is no text")
    return Slot(
        **plain
        | {
            "start": _parse_utc(plain["start"]),
            "end": _parse_utc(plain["end"]),
            "speakers": tuple(plain.get("speakers", [])),
        }
    )


def _format_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_utc(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return moment.astimezone(UTC)
