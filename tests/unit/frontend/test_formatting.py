"""Words that depend on the language, and the titles of gaps that the import has made."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pyramid.i18n import make_localizer

from streaming_system.frontend.formatting import ENGLISH_FORMATTER, LocaleFormatter
from streaming_system.frontend.i18n import DOMAIN, LOCALE_DIR
from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import Slot

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def words(name):
    return LocaleFormatter(name, make_localizer(name, [str(LOCALE_DIR)]), DOMAIN)


def talk(hours, minutes=60, title="A talk"):
    begins = START + timedelta(hours=hours)
    return Slot(start=begins, end=begins + timedelta(minutes=minutes), title=title, guid=title)


@pytest.fixture
def gaps():
    """All that fills the gaps of a room whose name is that of a gap."""
    # One day with a break, one without any talk, one that begins late.
    filled = fill_gaps(
        [talk(2), talk(4), talk(50)],
        room="Nothing in it",
        conference="The end finished",
        begin=START,
        end=START + timedelta(hours=60),
        zone=ZoneInfo("UTC"),
    )
    return [event for event in filled if event.generated]


class TestGaps:
    def test_every_title_that_the_import_makes_is_translated(self, gaps):
        titles = list(dict.fromkeys(words("de").slot(gap).title for gap in gaps))

        assert titles == [
            "The end finished hat noch nicht begonnen",
            "In Nothing in it noch nicht begonnen",
            "60 Minuten Pause",
            "In Nothing in it für heute zu Ende",
            "Heute nichts in Nothing in it",
            "The end finished ist zu Ende",
        ]

    def test_in_english_they_stay_what_they_are(self, gaps):
        assert [ENGLISH_FORMATTER.slot(gap) for gap in gaps] == gaps

    def test_a_talk_that_is_called_like_a_gap_keeps_its_title(self):
        event = talk(0, title="15 minute break")

        assert words("de").slot(event) == event

    def test_a_title_that_some_later_import_makes_stays_as_it_is(self, gaps):
        from dataclasses import replace

        strange = replace(gaps[0], title="Something else")

        assert words("de").slot(strange) == strange


class TestNumbersAndNames:
    @pytest.mark.parametrize(
        ("language", "number", "names", "day", "time"),
        [
            ("en", "1,234.5", "A, B, C", "Tuesday 24 November 2026", "09:05"),
            ("de", "1.234,5", "A, B und C", "Dienstag, 24. November 2026", "09:05"),
            ("fr", "1\u202f234,5", "A, B et C", "mardi 24 novembre 2026", "09:05"),
            ("es", "1.234,5", "A, B y C", "martes, 24 de noviembre de 2026", "09:05"),
        ],
    )
    def test_they_are_written_as_people_write(self, language, number, names, day, time):
        said = words(language)

        assert said.number(1234.5, 1) == number
        assert said.names(("A", "B", "C")) == names
        assert said.full_date(date(2026, 11, 24)) == day
        assert said.time(datetime(2026, 11, 24, 9, 5, tzinfo=UTC)) == time

    def test_a_language_has_its_name_and_what_is_none_stays(self):
        assert [words("fr").language(tag) for tag in ("de", "pt-BR", "Klingonish", "")] == [
            "allemand",
            "portugais (Brésil)",
            "Klingonish",
            "",
        ]

    @pytest.mark.parametrize(
        ("zone", "month", "language", "name"),
        [
            ("Europe/Berlin", 1, "de", "MEZ"),
            ("Europe/Berlin", 7, "de", "MESZ"),
            ("Europe/Berlin", 7, "en", "CEST"),
            # German has no letters for these: those of their own people, or the offset.
            ("Australia/Sydney", 1, "de", "AEDT"),
            ("America/Sao_Paulo", 1, "de", "UTC-03"),
            ("UTC", 1, "fr", "UTC"),
        ],
    )
    def test_zones(self, zone, month, language, name):
        moment = datetime(2026, month, 1, 12, tzinfo=ZoneInfo(zone))

        assert words(language).zone(moment) == name


class TestStatus:
    @pytest.mark.parametrize(
        ("hours", "german"),
        [
            (-100, "Noch 4 Tage bis zum Beginn"),
            (-1.25, "Noch 1 Std. 15 Min. bis zum Beginn"),
            (0.5, "Läuft, noch 30 Min."),
            (1, "Vorbei"),
        ],
    )
    def test_how_it_stands_with_a_talk(self, hours, german):
        assert words("de").status(talk(0), START + timedelta(hours=hours)) == german
