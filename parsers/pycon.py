"""PyCon US from 2012 to 2015: a list of talks, with keys in upper and lower case.

An item has ``room`` (or ``Room Name``), ``name`` (or ``Title``), ``start``, ``end`` or
``duration``, ``kind``, ``conf_key`` or ``conf_url``. Only talks and plenaries are imported: the
other items are tutorials and posters of other days.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_names,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_markdown,
    share_with_keys,
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
    if not isinstance(feed.json, list):
        return 0.0
    items = [_lower_keys(item) if isinstance(item, dict) else item for item in feed.json]
    # Below 1.0: other lists have the same keys.
    return 0.9 * share_with_keys(
        items, "start", ("end", "duration"), ("conf_key", "conf_url"), ROOM_KEYS, TITLE_KEYS
    )


def _lower_keys(item):
    return {key.lower(): value for key, value in item.items()}


def parse(feed, context):
    def parse_item(item):
        item = _lower_keys(item)
        if item.get("kind", "talk") not in ("plenary", "talk"):
            return None
        start = context.parse_time(item["start"])
        title = _first_text(item, TITLE_KEYS)
        speakers = clean_names(item.get("authors"))
        return Talk(
            rooms=clean_str_list(_first_text(item, ROOM_KEYS)),
            start=start,
            end=context.parse_end(start, end=item.get("end"), duration=item.get("duration")),
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
