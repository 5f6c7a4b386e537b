"""The properties by which our own iCalendar export carries a talk without loss."""

from dataclasses import replace

from streaming_system.plugin import Link, parse_do_not_record


def restore_talk(talk, event, origin):
    """Return the talk of an event of our own export, with the fields of its ``X-TALK-`` properties.

    Calendars of other programs need guesses at titles and descriptions; an own export needs none.
    """
    conference = next((str(link) for link in _values(event, "CONFERENCE")), "")
    site = replace(origin, base_url=conference.rpartition("/")[0])
    tracks = [name for categories in _values(event, "CATEGORIES") for name in categories.cats]
    speakers = _values(event, "X-TALK-SPEAKER")
    return replace(
        talk,
        title=_text(event, "SUMMARY"),
        subtitle=_text(event, "X-TALK-SUBTITLE"),
        abstract=_text(event, "STYLED-DESCRIPTION"),
        url=site.talk_url(talk.url),
        guid=_text(event, "X-TALK-GUID") or talk.guid,
        number=_text(event, "X-TALK-NUMBER"),
        speakers=tuple(map(str, speakers)),
        speaker_ids=tuple(speaker.params.get("X-ID", "") for speaker in speakers),
        track=str(tracks[0]) if tracks else "",
        language=_text(event, "X-TALK-LANGUAGE"),
        talk_type=_text(event, "X-TALK-TYPE"),
        do_not_record=parse_do_not_record(_text(event, "X-TALK-DO-NOT-RECORD")),
        recording_license=_text(event, "X-TALK-RECORDING-LICENSE"),
        feedback_url=_text(event, "X-TALK-FEEDBACK-URL"),
        links=_links(event, "X-TALK-LINK"),
        attachments=_links(event, "X-TALK-ATTACHMENT"),
    )


def _values(event, name):
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def _text(event, name):
    return next((str(value) for value in _values(event, name)), "")


def _links(event, name):
    """Return the links of texts with a URL, a space and a title."""
    texts = (str(value).partition(" ") for value in _values(event, name))
    return tuple(Link(url=url, title=title) for url, _, title in texts)
