"""Fillers: the slots in the gaps of a room's schedule, and their titles in any language."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Translator(Protocol):
    """Translates messages into one language."""

    def translate(self, message: str, **values: object) -> str:
        """Return the translation of a message; values replace ``%(name)s``."""

    def translate_plural(self, one: str, many: str, num: int, **values: object) -> str:
        """Return the plural form for a number, which replaces ``%(num)s``."""


class _English:
    def translate(self, message: str, **values: object) -> str:
        return message % values

    def translate_plural(self, one: str, many: str, num: int, **values: object) -> str:
        return (one if num == 1 else many) % ({"num": num} | values)


class FillerType(StrEnum):
    """What a gap is. ``OTHER`` is a filler of a schedule file of version 1."""

    BEFORE_EVENT = "before-event"
    BEFORE_DAY = "before-day"
    BREAK = "break"
    AFTER_DAY = "after-day"
    NO_TALKS_TODAY = "no-talks-today"
    AFTER_EVENT = "after-event"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filler:
    """The type of a filler and the values of its title.

    :param minutes: the length of a break.
    :param room: the title of the room.
    :param event: the name of the conference.
    """

    type: FillerType
    minutes: int = 0
    room: str = ""
    event: str = ""

    def title(self, translator: Translator | None = None) -> str:
        """Return the title, in English by default; "" for the type ``OTHER``."""
        t = translator or _English()
        match self.type:
            case FillerType.BEFORE_EVENT:
                return t.translate("%(event)s not yet started", event=self.event)
            case FillerType.BEFORE_DAY:
                return t.translate("Not yet started in %(room)s", room=self.room)
            case FillerType.BREAK:
                return t.translate_plural(
                    "%(num)s minute break", "%(num)s minute break", self.minutes
                )
            case FillerType.AFTER_DAY:
                return t.translate("Finished for the day in %(room)s", room=self.room)
            case FillerType.NO_TALKS_TODAY:
                return t.translate("Nothing in %(room)s today", room=self.room)
            case FillerType.AFTER_EVENT:
                return t.translate("%(event)s finished", event=self.event)
            case FillerType.OTHER:
                return ""
