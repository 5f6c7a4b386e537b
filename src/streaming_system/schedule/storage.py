"""Loads and saves the schedule file: a JSON document that the import writes and the pages show.

``{"version": 3, "imported": "2026-11-24T09:00:00Z", "rooms": {ID: {"timezone": ZONE, "guid": UUID,
"sample": BOOL, "events": [SLOT, …]}}}``. A SLOT has the fields of :class:`Slot`, some under other
keys (``_KEYS``). Times are in UTC. Version 1 had ``"generated": true`` instead of
``"filler": {…}``, and version 2 no numbers of talks and speakers, guids of rooms, revisions, links
and licences. Both are still loaded.
"""

import base64
import dataclasses
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import Link, RoomSchedule, Schedule, Slot
from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.private_files import FILE_MODE, make_private_folder

FORMAT_VERSION = 3
# Proxies compress known media types only, and Repr-Digest is computed over the bytes as sent.
MEDIA_TYPE = "application/vnd.streaming-system.schedule+json"

# Fields whose key in the document differs.
_KEYS = {"talk_type": "kind", "relayed_from": "via", "changed_at": "changed"}
_FIELDS = {_KEYS.get(field.name, field.name): field.name for field in dataclasses.fields(Slot)}
# The allowed types by key; all other values are text.
_TYPES: dict[str, tuple[type, ...]] = {
    "filler": (dict, type(None)),
    "do_not_record": (bool, type(None)),
    "speakers": (list,),
    "speaker_ids": (list,),
    "number": (int,),
    "links": (list,),
    "attachments": (list,),
    "changed": (str, type(None)),
    "revision": (int,),
}


class ScheduleFileError(Exception):
    """The schedule file cannot be loaded or saved; the message is one line."""


class _InvalidValueError(ValueError):
    """A value of the document is invalid; the message names it."""


def serialize_schedule(schedule: Schedule) -> str:
    """Return the document of a schedule."""
    document = {
        "version": FORMAT_VERSION,
        "imported": _format_utc(schedule.imported_at) if schedule.imported_at else None,
        "rooms": {
            room_id: {
                "timezone": room.timezone.key,
                "guid": room.guid,
                "sample": room.is_sample,
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
        if document["version"] not in range(1, FORMAT_VERSION + 1):
            raise ScheduleFileError(
                f"has version {document['version']!r}, but this program reads {FORMAT_VERSION}: "
                "import the schedule again"
            )
        return Schedule(
            rooms={
                room_id: RoomSchedule(
                    timezone=ZoneInfo(room["timezone"]),
                    slots=tuple(_deserialize_slot(slot) for slot in room["events"]),
                    guid=_require_text(room.get("guid", "")),
                    is_sample=_require_flag(room.get("sample", False)),
                )
                for room_id, room in document["rooms"].items()
            },
            imported_at=_parse_utc(document["imported"]) if document["imported"] else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ScheduleFileError(f"is not a schedule: {_describe_error(error)}") from None


def _describe_error(error: Exception) -> str:
    if isinstance(error, _InvalidValueError):
        return f"{error!s:.200}"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON at line {error.lineno}, column {error.colno}"
    if isinstance(error, ZoneInfoNotFoundError):
        return "it has an unknown time zone"
    if isinstance(error, KeyError):
        return f"the key {ascii(error.args[0])[:40]} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "a value has the wrong type, or is out of range"


def repr_digest(document: bytes) -> str:
    """Return the ``Repr-Digest`` header of a response with this document (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(document).digest()).decode()}:"


def load_schedule(path: Path) -> Schedule:
    """Load the schedule file at ``path``.

    :raises ScheduleFileError: if it is missing or invalid.
    """
    try:
        return deserialize_schedule(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScheduleFileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ScheduleFileError(f"{path}: cannot be read: it is not UTF-8") from None
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
        "links": [dataclasses.asdict(link) for link in slot.links],
        "attachments": [dataclasses.asdict(link) for link in slot.attachments],
        "changed": _format_utc(slot.changed_at) if slot.changed_at else None,
        "speaker_ids": list(slot.speaker_ids),
        "filler": dataclasses.asdict(slot.filler) if slot.filler else None,
    }


def _deserialize_slot(document: dict[str, Any]) -> Slot:
    if (generated := document.pop("generated", None)) is not None:
        document["filler"] = {"type": FillerType.OTHER} if generated is True else None
    if unknown := set(document) - set(_FIELDS):
        raise _InvalidValueError(f"unknown field {min(unknown)!r}")
    for key, value in document.items():
        if not isinstance(value, _TYPES.get(key, (str,))):
            raise _InvalidValueError(f"{key} is {value!r:.60}")
    speaker_ids = document.get("speaker_ids", [])
    if any(type(number) is not int for number in (document.get("number", 0), *speaker_ids)):
        raise _InvalidValueError("a number of a talk or a speaker is no number")
    if speaker_ids and len(speaker_ids) != len(document.get("speakers", [])):
        raise _InvalidValueError(f"speakers have {len(speaker_ids)} numbers")
    fields = {_FIELDS[key]: value for key, value in document.items()}
    return Slot(
        **fields
        | {
            "start": _parse_utc(document["start"]),
            "end": _parse_utc(document["end"]),
            "speakers": tuple(map(_require_text, document.get("speakers", ()))),
            "speaker_ids": tuple(speaker_ids),
            "links": tuple(map(_deserialize_link, document.get("links", ()))),
            "attachments": tuple(map(_deserialize_link, document.get("attachments", ()))),
            "changed_at": _parse_utc(document["changed"]) if document.get("changed") else None,
            "filler": _deserialize_filler(document.get("filler")),
        }
    )


def _deserialize_link(document: dict[str, Any]) -> Link:
    return Link(url=_require_text(document["url"]), title=_require_text(document["title"]))


def _require_text(value: object) -> str:
    if not isinstance(value, str):
        raise _InvalidValueError(f"{value!r:.60} is no text")
    return value


def _require_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r:.60} is neither true nor false")
    return value


def _deserialize_filler(document: dict[str, Any] | None) -> Filler | None:
    if document is None:
        return None
    filler = Filler(**document | {"type": FillerType(document["type"])})
    if not isinstance(filler.minutes, int) or not isinstance(filler.room + filler.event, str):
        raise _InvalidValueError(f"filler is {document!r:.60}")
    return filler


def _format_utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parse_utc(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise _InvalidValueError(f"{text!r} has no UTC offset")
    return time.astimezone(UTC)
