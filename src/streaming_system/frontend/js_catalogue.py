"""Translations for the JavaScript modules: one JSON document per language except English."""

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

# Translations by msgid; a message with plurals has one by plural category.
JsMessages = dict[str, str | dict[str, str]]
# These numbers cover every plural form of integers in all languages.
_PLURAL_SAMPLES = (*range(201), 1000, 10**6)


@dataclass(frozen=True, kw_only=True)
class JsCatalogue:
    """A JSON document and a hash of it; the hash is "" for an empty document."""

    body: str
    version: str


def load_js_catalogue(name: str, compiled: Iterable[Path]) -> JsCatalogue:
    """Return the messages of JavaScript modules in a language.

    Compiled catalogues do not record where a message is used; the ``.po`` files beside them do. The
    included catalogues have a ``.json`` file with the result.

    :param compiled: the ``.mo`` files; later ones override earlier ones.
    """
    messages: JsMessages = {}
    for path in compiled:
        extracted = path.with_suffix(".json")
        if extracted.is_file():
            messages |= json.loads(extracted.read_text(encoding="utf-8"))
        else:
            messages |= load_messages(name, path)
    if not messages:
        return JsCatalogue(body="{}", version="")
    body = json.dumps(messages, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return JsCatalogue(body=body, version=hashlib.sha256(body.encode()).hexdigest()[:12])


def load_messages(name: str, compiled: Path) -> JsMessages:
    """Return the JavaScript messages of one catalogue; none without its ``.po`` file."""
    # Only sites with their own catalogues need this import.
    from babel.messages.pofile import read_po

    source, locale = compiled.with_suffix(".po"), Locale.parse(name)
    if not source.is_file():
        return {}
    with source.open("rb") as file:
        messages = [m for m in read_po(file) if _is_js_message(m) and _is_translated(m)]
    with compiled.open("rb") as file:
        translations = GNUTranslations(file)
    result: JsMessages = {}
    for message in messages:
        if isinstance(message.id, str):
            result[message.id] = translations.gettext(message.id)
        else:
            one, many = message.id
            result[one] = _plural_forms(translations, one, many, locale)
    return result


def _is_js_message(message: "Message") -> bool:
    return any(place.endswith(".js") for place, _ in message.locations)


def _is_translated(message: "Message") -> bool:
    strings = [message.string] if isinstance(message.string, str) else (message.string or ("",))
    return all(strings) and not message.fuzzy


def _plural_forms(
    translations: GNUTranslations, one: str, many: str, locale: Locale
) -> dict[str, str]:
    """Return the plural forms by the category of ``Intl.PluralRules``."""
    forms: dict[str, str] = {}
    for number in _PLURAL_SAMPLES:
        category = locale.plural_form(number)
        forms[category] = forms.get(category) or translations.ngettext(one, many, number)
    # Fractions have this category in every language.
    forms.setdefault("other", translations.ngettext(one, many, _PLURAL_SAMPLES[-1]))
    return forms
