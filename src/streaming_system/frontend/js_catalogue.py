"""The words that scripts say, as they fetch them: one file for each language but English."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from gettext import GNUTranslations
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale

if TYPE_CHECKING:
    from babel.messages import Message

# Texts by what they are in English; where there is a number in them, by its kind.
Words = dict[str, str | dict[str, str]]
# Enough numbers to meet every form that a language has for whole numbers.
_SAMPLES = (*range(201), 1000, 10**6)


@dataclass(frozen=True, kw_only=True)
class ScriptWords:
    """A catalogue for scripts, and a name for what is in it; "" if nothing is."""

    body: str
    version: str


def words_of_scripts(name: str, compiled: Iterable[Path]) -> ScriptWords:
    """Return the words of a language.

    Compiled catalogues do not tell who says what, so the sources beside them do: scripts need not
    fetch the words of the server. Beside those that come with us is what was found in them.
    """
    words: Words = {}
    for path in compiled:
        found = path.with_suffix(".json")
        if found.is_file():
            words |= json.loads(found.read_text(encoding="utf-8"))
        else:
            words |= read(name, path)
    if not words:
        return ScriptWords(body="{}", version="")
    body = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return ScriptWords(body=body, version=hashlib.sha256(body.encode()).hexdigest()[:12])


def read(name: str, compiled: Path) -> Words:
    """Return what scripts say, of one catalogue and its source; nothing without that."""
    # Whoever has no catalogues of their own never needs it.
    from babel.messages.pofile import read_po

    source, locale = compiled.with_suffix(".po"), Locale.parse(name)
    if not source.is_file():
        return {}
    with source.open("rb") as file:
        messages = [m for m in read_po(file) if _of_script(m) and _is_translated(m)]
    with compiled.open("rb") as file:
        translations = GNUTranslations(file)
    found: Words = {}
    for message in messages:
        if isinstance(message.id, str):
            found[message.id] = translations.gettext(message.id)
        else:
            one, many = message.id
            found[one] = _forms(translations, one, many, locale)
    return found


def _of_script(message: "Message") -> bool:
    return any(place.endswith(".js") for place, _ in message.locations)


def _is_translated(message: "Message") -> bool:
    strings = [message.string] if isinstance(message.string, str) else (message.string or ("",))
    return all(strings) and not message.fuzzy


def _forms(translations: GNUTranslations, one: str, many: str, locale: Locale) -> dict[str, str]:
    """Return the form for each kind of numbers that browsers know."""
    forms: dict[str, str] = {}
    for number in _SAMPLES:
        kind = locale.plural_form(number)
        forms[kind] = forms.get(kind) or translations.ngettext(one, many, number)
    # Fractions are of this kind in every language.
    forms.setdefault("other", translations.ngettext(one, many, _SAMPLES[-1]))
    return forms
