"""Fixes room names and languages in feeds of all formats."""

from dataclasses import replace

from streaming_system.plugin import hookimpl

# Placeholders for a room.
NO_ROOMS = ("TBA", "TBD", "T.B.A.", "N/A", "n/a", "-", "tba", "tbd")
# Browsers expect ISO 639-1; some feeds have ISO 639-2.
LANGUAGES = {"eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es"}


@hookimpl
def room_aliases():
    return dict.fromkeys(NO_ROOMS, "")


@hookimpl
def filter_talk(talk):
    # Sched.com exports such entries for rooms that are closed for a day.
    return False if talk.title.strip().lower() in ("room unavailable", "room closed") else None


@hookimpl
def enrich_talk(talk):
    language = LANGUAGES.get(talk.language)
    return replace(talk, language=language) if language else None
