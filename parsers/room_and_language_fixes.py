"""Mends what many feeds have in common, whatever their format."""

from dataclasses import replace

from streaming_system.plugin import hookimpl

# What people write where a room's name should be.
NO_ROOMS = ("TBA", "TBD", "T.B.A.", "N/A", "n/a", "-", "tba", "tbd")
# ISO 639-2, as GUADEC wrote it, where browsers know ISO 639-1.
LANGUAGES = {"eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr", "spa": "es"}


@hookimpl
def room_aliases():
    return dict.fromkeys(NO_ROOMS, "")


@hookimpl
def event_filter(talk):
    # Sched.com exports block a room for a day by an entry of that name.
    return False if talk.title.strip().lower() in ("room unavailable", "room closed") else None


@hookimpl
def event_enrich(talk):
    language = LANGUAGES.get(talk.language)
    return replace(talk, language=language) if language else None
