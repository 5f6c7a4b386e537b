"""The catalogues are complete and current in all languages."""

import importlib.util
import io
import json
import re

import pytest
from babel import Locale
from babel.messages.checkers import checkers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from streaming_system.frontend import js_catalogue
from streaming_system.frontend.i18n import NATIVE_NAMES

LOCALE = "src/streaming_system/frontend/locale"
LANGUAGES = ("de", "es", "fr")
PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}|%%")


@pytest.fixture(scope="module")
def tool(root):
    """The module of ``make catalogues``."""
    spec = importlib.util.spec_from_file_location("catalogues", root / "tools/catalogues.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_catalogue(path, **more):
    with path.open("rb") as file:
        return read_po(file, **more)


@pytest.fixture(scope="module")
def template(root):
    return load_catalogue(root / LOCALE / "streaming-system.pot")


@pytest.fixture(params=LANGUAGES)
def folder(request, root):
    return root / LOCALE / request.param / "LC_MESSAGES"


@pytest.fixture
def catalogue(folder):
    return load_catalogue(folder / "streaming-system.po", locale=folder.parent.name)


def messages(catalogue):
    return {
        message.id[0] if message.pluralizable else message.id: message
        for message in catalogue
        if message.id
    }


def test_each_language_has_a_catalogue(root):
    found = {path.parent.parent.name for path in (root / LOCALE).glob("*/*/streaming-system.po")}

    assert found == set(LANGUAGES)


def test_template_has_all_messages_of_the_sources(root, tool, tmp_path):
    tool.extract(tmp_path / "found.pot")
    found = (tmp_path / "found.pot").read_text()

    # If this fails: make catalogues, and translate the new messages.
    assert (root / LOCALE / "streaming-system.pot").read_text() == found


def test_template_has_messages_of_all_source_types(template):
    places = {place.rpartition(".")[2] for message in template for place, _ in message.locations}

    assert places == {"py", "jinja2", "js"}
    assert {"Live", "now", "The tracker is not responding. Last known data: {time}.",
            "there is no room called %(room)s"} <= set(messages(template))  # fmt: skip


def test_catalogue_has_the_messages_of_the_template(template, catalogue):
    assert set(messages(catalogue)) == set(messages(template))


def test_catalogue_is_complete(catalogue):
    missing = [
        key
        for key, message in messages(catalogue).items()
        if not (all(message.string) if message.pluralizable else message.string)
    ]

    assert missing == []


def test_catalogue_has_no_fuzzy_messages(catalogue):
    assert [key for key, message in messages(catalogue).items() if message.fuzzy] == []


def test_translations_have_the_placeholders_of_the_msgid(catalogue):
    for message in messages(catalogue).values():
        for check in checkers:
            check(catalogue, message)
    wrong = [
        (key, string)
        for key, message in messages(catalogue).items()
        for string in (message.string if message.pluralizable else [message.string])
        if set(PLACEHOLDER.findall(key)) != set(PLACEHOLDER.findall(string))
    ]

    assert wrong == []


def test_translations_contain_no_markup(catalogue):
    # Templates take translations for HTML; values are escaped, translations are not.
    strings = str([message.string for message in messages(catalogue).values()])

    assert not re.search("[<>&]", strings)


def test_compiled_catalogue_is_current(folder, catalogue):
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)

    assert (folder / "streaming-system.mo").read_bytes() == compiled.getvalue()


def test_js_catalogue_is_current(folder):
    found = json.loads((folder / "streaming-system.json").read_text())

    assert found == js_catalogue.load_messages(folder.parent.name, folder / "streaming-system.mo")
    assert len(found) > 20


def test_native_names_match_babel():
    assert set(NATIVE_NAMES) == {*LANGUAGES, "en"}
    for name, own in NATIVE_NAMES.items():
        locale = Locale.parse(name)
        assert (own, locale.character_order) == (locale.get_display_name(), "left-to-right")


def test_french_punctuation_has_no_break_space(root):
    catalogue = load_catalogue(root / LOCALE / "fr/LC_MESSAGES/streaming-system.po", locale="fr")
    wrong = [
        string
        for message in messages(catalogue).values()
        for string in (message.string if message.pluralizable else [message.string])
        if re.search(r"(?<!\u202f)[:;!?]|«(?!\u202f)|(?<!\u202f)»|'", string)
    ]

    assert wrong == []


def strings_of(catalogue):
    """Return all translations; those of the template are its msgids."""
    texts = []
    for message in catalogue:
        if message.id:
            value = message.string if any(message.string) else message.id
            texts += value if isinstance(value, list | tuple) else [value]
    return texts


def test_quotes_are_those_of_the_language(template, catalogue, folder):
    opening, closing = {"de": "„“", "es": "«»", "fr": "«»"}[folder.parent.name]
    strings = strings_of(catalogue)

    assert [text for text in strings_of(template) if '"' in text] == []
    assert [text for text in strings if re.search(r"[\"”]", text)] == []
    assert [text for text in strings if text.count(opening) != text.count(closing)] == []


def test_spanish_questions_and_exclamations_have_both_marks(root):
    catalogue = load_catalogue(root / LOCALE / "es/LC_MESSAGES/streaming-system.po", locale="es")

    for opening, closing in ("¿?", "¡!"):
        assert [s for s in strings_of(catalogue) if s.count(opening) != s.count(closing)] == []


@pytest.mark.parametrize(
    ("name", "language"), [("en", "English"), ("de", "German"), ("es", "Spanish"), ("fr", "French")]
)
def test_messages_have_the_terms_of_the_manual(root, template, name, language):
    manual = (root / "docs/how-to/translating.md").read_text()
    [row] = re.findall(rf"^\| {language} \| (`.*) \|$", manual, re.MULTILINE)
    words = "|".join(map(re.escape, re.findall("`([^`]+)`", row)))
    path = root / LOCALE / name / "LC_MESSAGES/streaming-system.po"
    messages = template if name == "en" else load_catalogue(path, locale=name)

    # A placeholder is no word of the language.
    found = [
        text
        for text in strings_of(messages)
        if re.search(rf"\b({words})\b", PLACEHOLDER.sub("", text), re.IGNORECASE)
    ]

    assert found == []


def test_updating_a_catalogue_preserves_translations(root, tool, tmp_path, folder):
    copy = tmp_path / folder.parent.name / "LC_MESSAGES/streaming-system.po"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((folder / "streaming-system.po").read_bytes())

    tool.update(tmp_path)

    assert copy.read_text() == (folder / "streaming-system.po").read_text()
