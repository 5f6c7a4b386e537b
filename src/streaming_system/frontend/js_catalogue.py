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
JsMessages = dict[str, str | dict[str, str]]
# Enough numbers to meet every form that a language has for whole numbers.
_PLURAL_SAMPLES = (*range(201), 1000, 10**6)


@dataclass(frozen=True, kw_only=True)
class JsCatalogue:
    """A catalogue for scripts, and a name for what is in it; "" if nothing is."""

    body: str
    version: str


def load_js_catalogue(name: str, compiled: Iterable[Path]) -> JsCatalogue:
    """Return the words of a language.

    Compiled catalogues do not tell who says what, so the sources beside them do: scripts need not
    fetch the words of the server. Beside those that come with us is what was found in them.
    """
    words: JsMessages = {}
    for path in compiled:
        found = path.with_suffix(".json")
        if found.is_file():
            words |= json.loads(found.read_text(encoding="utf-8"))
        else:
            words |= load_messages(name, path)
    if not words:
        return JsCatalogue(body="{}", version="")
    body = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return JsCatalogue(body=body, version=hashlib.sha256(body.encode()).hexdigest()[:12])


def load_messages(name: str, compiled: Path) -> JsMessages:
    """Return what scripts say, of one catalogue and its source; nothing without that."""
    # Whoever has no catalogues of their own never needs it.
    from babel.messages.pofile import read_po

    source, locale = compiled.with_suffix(".po"), Locale.parse(name)
    if not source.is_file():
        return {}
    with source.open("rb") as file:
        messages = [m for m in read_po(file) if _is_js_message(m) and _is_translated(m)]
    with compiled.open("rb") as file:
        translations = GNUTranslations(file)
    found: JsMessages = {}
    for message in messages:
        if isinstance(message.id, str):
            found[message.id] = translations.gettext(message.id)
        else:
            one, many = message.id
            found[one] = _plural_forms(translations, one, many, locale)
    return found


def _is_js_message(message: "Message") -> bool:
    return any(place.endswith(".js") for place, _ in message.locations)


def _is_translated(message: "Message") -> bool:
    strings = [message.string] if isinstance(message.string, str) else (message.string or ("",))
    return all(strings) and not message.fuzzy


def _plural_forms(
    translations: GNUTranslations, one: str, many: str, locale: Locale
) -> dict[str, str]:
    """Return the form for each kind of numbers that browsers know."""
    forms: dict[str, str] = {}
    for number in _PLURAL_SAMPLES:
        kind = locale.plural_form(number)
        forms[kind] = forms.get(kind) or translations.ngettext(one, many, number)
    # Fractions are of this kind in every language.
    forms.setdefault("other", translations.ngettext(one, many, _PLURAL_SAMPLES[-1]))
    return forms
