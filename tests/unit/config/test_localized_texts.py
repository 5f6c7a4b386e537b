"""The order of rooms, and texts in several languages."""

import json

import pytest

from streaming_system.config import ConfigError, load_conference
from streaming_system.config.model import LocalizedText


@pytest.fixture
def load(tmp_path):
    """Return a function that loads a public and a private file."""

    def load(public, private=None):
        for name, document in (("config.json", public), ("private.json", private)):
            if document is not None:
                (tmp_path / name).write_text(json.dumps(document))
        return load_conference(tmp_path / "config.json", tmp_path / "private.json")

    return load


def test_rooms_keep_the_order_of_the_files(load):
    conference = load(
        {"zoo": {}, "default": {}, "hall2": {}},
        {"config": {}, "hall10": {}, "zoo": {"title": "Zoo"}, "alpha": {}},
    )

    assert list(conference.rooms) == ["zoo", "hall2", "hall10", "alpha"]


TITLES = {"en": "Great Hall", "de": "Großer Saal", "pt-BR": "Salão"}


@pytest.mark.parametrize(
    ("languages", "default"),
    [
        ([], "Great Hall"),
        (["de", "en"], "Großer Saal"),
        (["fr", "de"], "Great Hall"),
        ("pt-BR", "Salão"),
    ],
)
def test_title_is_that_of_the_default_language(load, languages, default):
    conference = load({"config": {"languages": languages}, "hall": {"title": TITLES}})

    assert conference.rooms["hall"].title == default


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("de", "Großer Saal"),
        ("de-AT", "Großer Saal"),
        ("pt-BR", "Salão"),
        # Portuguese of Brazil is no text for Portugal.
        ("pt", "Great Hall"),
        ("fr", "Great Hall"),
    ],
)
def test_title_in_a_language(load, language, title):
    conference = load(
        {
            "default": {"conference": {"en": "Conf", "de": "Konferenz"}, "title": TITLES},
            "hall": {"title": TITLES},
            "lab": {"title": "Lab"},
        }
    ).in_language(language)

    assert conference.rooms["hall"].title == title
    assert conference.default.title == title
    assert conference.rooms["lab"].title == "Lab"
    event = "Konferenz" if language.startswith("de") else "Conf"
    assert {room.conference for room in conference.rooms.values()} == {event}


def test_text_of_the_first_language_replaces_missing_ones():
    assert LocalizedText({"nl": "Zaal", "fi": "Sali"}, "de").get("fr") == "Zaal"


def test_references_in_texts_of_languages_are_replaced(load):
    conference = load({"hall": {"title": {"en": "Room %(group)s", "de": "Saal %(group)s"}}})

    assert conference.in_language("de").rooms["hall"].title == "Saal hall"


def test_room_can_be_named_by_its_title_in_any_language(load):
    conference = load(
        {
            "config": {"schedule-room-default": "Großer Saal"},
            "hall": {"title": TITLES},
        }
    )

    assert set(TITLES.values()) < conference.rooms["hall"].names


@pytest.mark.parametrize(
    "title",
    [{}, {"en": ""}, {"en": 5}, {"english": "Hall"}, {"en": "Hall", "d": "Saal"},
     {"en": "a\nb"}, []],
)  # fmt: skip
def test_invalid_texts_of_languages_are_refused_in_one_line(load, title):
    with pytest.raises(ConfigError) as refused:
        load({"hall": {"title": title}})

    assert "room 'hall': key 'title': " in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("languages", [["de", "DE"], ["de_DE"], ["x"], [5], {"de": 1}])
def test_invalid_languages_are_refused_in_one_line(load, languages):
    with pytest.raises(ConfigError) as refused:
        load({"config": {"languages": languages}})

    assert "section 'config': key 'languages': " in str(refused.value)
    assert "\n" not in str(refused.value)
