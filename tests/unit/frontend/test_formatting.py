"""Formatting by language, and titles of fillers."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pyramid.i18n import make_localizer

from streaming_system.frontend.formatting import ENGLISH_FORMATTER, LocaleFormatter
from streaming_system.frontend.i18n import DOMAIN, LOCALE_DIR
from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.gaps import fill_gaps
from streaming_system.schedule.model import Slot

START = datetime(2026, 11, 24, 9, tzinfo=UTC)


def formatter_of(name):
    return LocaleFormatter(name, make_localizer(name, [str(LOCALE_DIR)]), DOMAIN)


def talk(hours, minutes=60, title="A talk"):
    begins = START + timedelta(hours=hours)
    return Slot(start=begins, end=begins + timedelta(minutes=minutes), title=title, guid=title)


@pytest.fixture
def gaps():
    """The fillers of a room whose title looks like one."""
    # A day with a break, one without talks, one that starts late.
    filled = fill_gaps(
        [talk(2), talk(4), talk(50)],
        room="Nothing in it",
        conference="The end finished",
        begin=START,
        end=START + timedelta(hours=60),
        zone=ZoneInfo("UTC"),
    )
    return [slot for slot in filled if slot.is_filler]


class TestFillers:
    def test_all_filler_titles_are_translated(self, gaps):
        titles = list(dict.fromkeys(formatter_of("de").slot(gap).title for gap in gaps))

        assert titles == [
            "The end finished hat noch nicht begonnen",
            "In Nothing in it noch nicht begonnen",
            "60 Minuten Pause",
            "In Nothing in it für heute zu Ende",
            "Heute nichts in Nothing in it",
            "The end finished ist zu Ende",
        ]

    def test_english_filler_titles_are_those_of_the_schedule(self, gaps):
        assert [ENGLISH_FORMATTER.slot(gap) for gap in gaps] == gaps

    def test_title_of_a_talk_is_not_translated(self):
        slot = talk(0, title="15 minute break")

        assert formatter_of("de").slot(slot) == slot

    def test_title_of_a_filler_without_values_is_unchanged(self, gaps):
        slot = replace(gaps[0], filler=Filler(type=FillerType.OTHER))

        assert formatter_of("de").slot(slot) == slot


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
    def test_numbers_and_lists_follow_the_locale(self, language, number, names, day, time):
        formatter = formatter_of(language)

        assert formatter.number(1234.5, 1) == number
        assert formatter.names(("A", "B", "C")) == names
        assert formatter.full_date(date(2026, 11, 24)) == day
        assert formatter.time(datetime(2026, 11, 24, 9, 5, tzinfo=UTC)) == time

    def test_language_name_is_translated_and_unknown_tag_unchanged(self):
        assert [formatter_of("fr").language(tag) for tag in ("de", "pt-BR", "Klingonish", "")] == [
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
            # German has no abbreviation for these: the local one, or the offset.
            ("Australia/Sydney", 1, "de", "AEDT"),
            ("America/Sao_Paulo", 1, "de", "UTC-03"),
            ("UTC", 1, "fr", "UTC"),
        ],
    )
    def test_zone_names_follow_the_locale(self, zone, month, language, name):
        moment = datetime(2026, month, 1, 12, tzinfo=ZoneInfo(zone))

        assert formatter_of(language).zone(moment) == name


class TestStatus:
    @pytest.mark.parametrize(
        ("hours", "german"),
        [
            (-100, "Noch 4 Tage bis zum Beginn"),
            (-1.25, "Noch 1 Std. 15 Min. bis zum Beginn"),
            (0.5, "Läuft, noch 30 Min."),
            (1, "Beendet"),
        ],
    )
    def test_status_of_a_talk(self, hours, german):
        assert formatter_of("de").status(talk(0), START + timedelta(hours=hours)) == german
