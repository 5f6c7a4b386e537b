"""PyCon US from 2012 to 2015: a list of talks, with keys in upper and lower case.

An item has ``room`` (or ``Room Name``), ``name`` (or ``Title``), ``start``, ``end`` or
``duration``, ``kind``, ``conf_key`` or ``conf_url``. Only talks and plenaries are imported: the
other items are tutorials and posters of other days.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_markdown,
    parse_duration,
)

ROOM_KEYS, TITLE_KEYS = ("room", "room name"), ("name", "title")


@hookimpl
def register_parsers():
    return [
        Parser(
            name="pycon",
            summary="the list of PyCon US 2012 to 2015",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    if not isinstance(feed.json, list) or not feed.json:
        return 0.0
    # Below 1.0: other lists have the same keys.
    return 0.9 if sum(map(_is_talk, feed.json)) >= 0.8 * len(feed.json) else 0.0


def _is_talk(item):
    keys = {key.lower() for key in item} if isinstance(item, dict) else set()
    return (
        "start" in keys
        and bool(keys & {"end", "duration"})
        and bool(keys & {"conf_key", "conf_url"})
        and bool(keys & set(ROOM_KEYS))
        and bool(keys & set(TITLE_KEYS))
    )


def parse(feed, context):
    def parse_item(item):
        item = {key.lower(): value for key, value in item.items()}
        if item.get("kind", "talk") not in ("plenary", "talk"):
            return None
        start = context.parse_time(item["start"])
        title = _first_text(item, TITLE_KEYS)
        speakers = _speakers(item.get("authors"))
        return Talk(
            rooms=clean_str_list(_first_text(item, ROOM_KEYS)),
            start=start,
            end=context.parse_time(item["end"])
            if item.get("end")
            else start + parse_duration(item["duration"]),
            title=f"{title}: {speakers[0]}" if title == "Keynote" and speakers else title,
            abstract=html_from_markdown(clean_str(item.get("abstract"))),
            url=clean_str(item.get("conf_url")),
            guid=str(item.get("conf_key") or item.get("conf_url") or ""),
            number=item.get("conf_key"),
            speakers=speakers,
            talk_type=clean_str(item.get("kind")),
        )

    return context.parse_items(feed.json, parse_item)


def _first_text(item, keys):
    return next((clean_str(item[key]) for key in keys if key in item), "")


def _speakers(authors):
    people = authors if isinstance(authors, list) else [authors]
    return clean_str_list(
        [person.get("name") if isinstance(person, dict) else person for person in people]
    )
