"""EMF Camp's JSON: a list of events with local times, which differs from year to year.

``may_record`` is the opposite of "do not record". In some years, local times end with a wrong
``Z``. Prefer schedule.frab, which EMF also publishes and which has more data.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_plain_text,
    parse_do_not_record,
)


@hookimpl
def register_parsers():
    return [
        Parser(name="emf", summary="EMF Camp's JSON", recognise=recognise, parse=parse),
    ]


def recognise(feed: Feed) -> float:
    keys = {"start_date", "end_date", "venue", "title", "source"}
    if not isinstance(feed.json, list) or not feed.json:
        return 0.0
    matching = sum(isinstance(item, dict) and keys <= item.keys() for item in feed.json)
    return float(matching >= 0.8 * len(feed.json))


def parse(feed, context):
    def parse_item(item):
        may_record = parse_do_not_record(item.get("may_record"))
        return Talk(
            rooms=clean_str_list(item.get("venue")),
            start=_parse_time(item.get("start_date"), context),
            end=_parse_time(item.get("end_date"), context),
            title=clean_str(item["title"]),
            abstract=html_from_plain_text(clean_str(item.get("description"))),
            url=clean_str(item.get("link")),
            guid=f"emf-{item.get('source')}-{item['id']}" if item.get("id") else "",
            number=item.get("id"),
            speakers=clean_str_list(item.get("speaker")),
            talk_type=clean_str(item.get("type")),
            do_not_record=None if may_record is None else not may_record,
        )

    return context.parse_items(feed.json, parse_item)


def _parse_time(value, context):
    # All times are in the camp's zone, with or without the Z.
    return context.parse_time(value.removesuffix("Z") if isinstance(value, str) else value)
