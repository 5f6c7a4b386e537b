"""Loads and saves the schedule file: a JSON document that the import writes and the pages show.

``{"version": 2, "imported": "2026-11-24T09:00:00Z", "rooms": {ID: {"timezone": ZONE, "events":
[SLOT, …]}}}``. A SLOT has the fields of :class:`Slot`, some under other keys (``_KEYS``). Times are
in UTC. Version 1 had ``"generated": true`` instead of ``"filler": {…}``; it is still loaded.
"""

import base64
import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.private_files import FILE_MODE, make_private_folder

FORMAT_VERSION = 2
# Proxies compress known media types only, and Repr-Digest is computed over the bytes as sent.
MEDIA_TYPE = "application/vnd.streaming-system.schedule+json"

# Fields whose key in the document differs.
_KEYS = {"talk_type": "kind", "relayed_from": "via"}
_FIELDS = {_KEYS.get(field.name, field.name): field.name for field in dataclasses.fields(Slot)}
# The allowed types by key; all other values are text.
_TYPES: dict[str, tuple[type, ...]] = {
    "filler": (dict, type(None)),
    "do_not_record": (bool, type(None)),
    "speakers": (list,),
}


class ScheduleFileError(Exception):
    """The schedule file cannot be loaded or saved; the message is one line."""


def serialize_schedule(schedule: Schedule) -> str:
    """Return the document of a schedule."""
    document = {
        "version": FORMAT_VERSION,
        "imported": _format_utc(schedule.imported_at) if schedule.imported_at else None,
        "rooms": {
            room_id: {
                "timezone": room.timezone.key,
                "events": [_serialize_slot(slot) for slot in room.slots],
            }
            for room_id, room in schedule.rooms.items()
        },
    }
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


def deserialize_schedule(text: str) -> Schedule:
    """Return the schedule of a document.

    :raises ScheduleFileError: if the document is invalid, or of another version.
    """
    try:
        document = json.loads(text)
        if document["version"] not in (1, FORMAT_VERSION):
            raise ScheduleFileError(
                f"has version {document['version']!r}, but this program reads {FORMAT_VERSION}: "
                "import the schedule again"
            )
        return Schedule(
            rooms={
                room_id: RoomSchedule(
                    timezone=ZoneInfo(room["timezone"]),
                    slots=tuple(_deserialize_slot(slot) for slot in room["events"]),
                )
                for room_id, room in document["rooms"].items()
            },
            imported_at=_parse_utc(document["imported"]) if document["imported"] else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ScheduleFileError(f"is not a schedule: {error!s:.200}") from None


def repr_digest(document: bytes) -> str:
    """Return the ``Repr-Digest`` header of a response with this document (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(document).digest()).decode()}:"


def load_schedule(path: Path) -> Schedule:
    """Load the schedule file at ``path``.

    :raises ScheduleFileError: if it is missing or invalid.
    """
    try:
        return deserialize_schedule(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ScheduleFileError(f"{path}: cannot be read: {error}") from None
    except ScheduleFileError as error:
        raise ScheduleFileError(f"{path}: {error}") from None


def save_schedule(schedule: Schedule, path: Path) -> None:
    """Replace the schedule file at ``path`` atomically, after a check that it can be loaded.

    :raises ScheduleFileError: if it cannot be written; the old file is unchanged.
    """
    text = serialize_schedule(schedule)
    if deserialize_schedule(text) != schedule:
        raise ScheduleFileError("the draft does not read back as what was written")
    try:
        make_private_folder(path.parent)
        with atomic_write(path, mode=FILE_MODE) as file:
            file.write(text.encode())
    except OSError as error:
        raise ScheduleFileError(f"{path}: cannot be written: {error.strerror}") from None


def _serialize_slot(slot: Slot) -> dict[str, Any]:
    fields: dict[str, Any] = {key: getattr(slot, name) for key, name in _FIELDS.items()}
    return fields | {
        "start": _format_utc(slot.start),
        "end": _format_utc(slot.end),
        "speakers": list(slot.speakers),
        "filler": dataclasses.asdict(slot.filler) if slot.filler else None,
    }


def _deserialize_slot(document: dict[str, Any]) -> Slot:
    if (generated := document.pop("generated", None)) is not None:
        document["filler"] = {"type": FillerType.OTHER} if generated is True else None
    if unknown := set(document) - set(_FIELDS):
        raise ValueError(f"unknown field {min(unknown)!r}")
    for key, value in document.items():
        if not isinstance(value, _TYPES.get(key, (str,))):
            raise TypeError(f"{key} is {value!r:.60}")
    speakers = document.get("speakers", [])
    if not all(isinstance(name, str) for name in speakers):
        raise TypeError("a speaker is no text")
    fields = {_FIELDS[key]: value for key, value in document.items()}
    return Slot(
        **fields
        | {
            "start": _parse_utc(document["start"]),
            "end": _parse_utc(document["end"]),
            "speakers": tuple(speakers),
            "filler": _deserialize_filler(document.get("filler")),
        }
    )


def _deserialize_filler(document: dict[str, Any] | None) -> Filler | None:
    if document is None:
        return None
    filler = Filler(**document | {"type": FillerType(document["type"])})
    if not isinstance(filler.minutes, int) or not isinstance(filler.room + filler.event, str):
        raise TypeError(f"filler is {document!r:.60}")
    return filler


def _format_utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    return time.astimezone(UTC)
