"""Symposion (linux.conf.au 2017 to 2020), and its successor, the conference.json of PyCon US.

Both have ``{"schedule": [{"conf_key", "kind", "name", "start", "end", "rooms", …}, …]}``; PyCon US
also has an object ``conference``, times with offsets, and HTML. ``room`` is ``rooms`` joined by
commas. ``released`` means that the video was published; it is no wish about recording.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    SkipEntryError,
    Talk,
    clean_people,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_html,
    html_from_markdown,
    list_items,
    parse_flag,
    share_with_keys,
)

# The title of slots without a talk.
EMPTY_SLOT_TITLE = "Slot"


@hookimpl
def register_parsers():
    return [
        Parser(
            name="symposion",
            summary="symposion's JSON (linux.conf.au 2017 to 2020)",
            recognise=recognise_symposion,
            parse=parse_symposion,
        ),
        Parser(
            name="pyconus",
            summary="the conference.json of PyCon US",
            recognise=recognise_pyconus,
            parse=parse_pyconus,
        ),
    ]


def recognise_symposion(feed: Feed) -> float:
    return _share_of_slots(feed) if "conference" not in (feed.json or ()) else 0.0


def recognise_pyconus(feed: Feed) -> float:
    return _share_of_slots(feed) if "conference" in (feed.json or ()) else 0.0


def _share_of_slots(feed):
    slots = feed.json.get("schedule") if isinstance(feed.json, dict) else None
    if not isinstance(slots, list):
        return 0.0
    return share_with_keys(slots, "conf_key", "kind", "start") if slots else 0.5


def parse_symposion(feed, context):
    return _parse(feed, context, html_from_markdown)


def parse_pyconus(feed, context):
    return _parse(feed, context, html_from_html)


def _parse(feed, context, convert):
    def parse_slot(slot):
        if parse_flag(slot.get("cancelled")):
            raise SkipEntryError("cancelled")
        talk_type = clean_str(slot["kind"])
        title = clean_str(slot.get("name"))
        if title in ("", EMPTY_SLOT_TITLE):
            if talk_type.lower() in ("talk", "tutorial", ""):
                raise SkipEntryError("placeholder")
            title = talk_type[:1].upper() + talk_type[1:]
        start = context.parse_time(slot["start"])
        speakers, speaker_ids = clean_people(slot.get("speakers") or slot.get("authors"))
        return Talk(
            # Names of rooms can contain commas, so the list is better than the joined text.
            rooms=clean_str_list(list_items(slot["rooms"]))
            if "rooms" in slot
            else clean_str_list(clean_str(slot.get("room"))),
            start=start,
            end=context.parse_end(start, end=slot.get("end"), duration=slot.get("duration")),
            title=title,
            abstract=convert(clean_str(slot.get("abstract")) or clean_str(slot.get("description"))),
            url=clean_str(slot.get("conf_url")),
            guid=f"symposion-{slot['conf_key']}",
            number=slot["conf_key"],
            speakers=speakers,
            speaker_ids=speaker_ids,
            track=clean_str(slot.get("track")),
            talk_type=talk_type,
        )

    return context.parse_items(feed.json["schedule"], parse_slot, title_key="name")
