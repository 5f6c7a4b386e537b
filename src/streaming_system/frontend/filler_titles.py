"""The titles that the import gives to gaps in the programme, in the language of a page.

They are stored in English (``schedule/gaps.py`` makes them); here they are known again.
"""

import re
from dataclasses import replace
from typing import Protocol

from streaming_system.schedule.model import Slot


class Translator(Protocol):
    """Whoever knows the language."""

    def translate(self, message: str, **values: object) -> str:
        """Return a text in it."""

    def translate_plural(self, one: str, many: str, num: int, **values: object) -> str:
        """Return the text that fits a number."""


_BREAK = re.compile(r"(\d+) minute break")


def is_break(event: Slot) -> bool:
    """Tell whether an event is a break between two talks of a day."""
    return event.is_filler and _BREAK.fullmatch(event.title) is not None


def translate_filler(event: Slot, words: Translator) -> Slot:
    """Return the event that fills a gap with its title in another language."""
    return replace(event, title=_translate_title(event.title, words))


def _translate_title(title: str, words: Translator) -> str:
    if found := _BREAK.fullmatch(title):
        return words.translate_plural("%(num)s minute break", "%(num)s minute break", int(found[1]))
    if found := re.fullmatch("Nothing in (.+) today", title, re.DOTALL):
        return words.translate("Nothing in %(room)s today", room=found[1])
    if found := re.fullmatch("Not yet started in (.+)", title, re.DOTALL):
        return words.translate("Not yet started in %(room)s", room=found[1])
    if found := re.fullmatch("Finished for the day in (.+)", title, re.DOTALL):
        return words.translate("Finished for the day in %(room)s", room=found[1])
    if found := re.fullmatch("(.+) not yet started", title, re.DOTALL):
        return words.translate("%(event)s not yet started", event=found[1])
    if found := re.fullmatch("(.+) finished", title, re.DOTALL):
        return words.translate("%(event)s finished", event=found[1])
    return title
