"""The JSON of EMF Camp: a list of events with local times, in every year's own hand.

``may_record`` is the other way round than "do not record"; some years end a time with a false
``Z``. EMF publishes schedule.frab, too, which says more; prefer that.
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
    good = sum(isinstance(item, dict) and keys <= item.keys() for item in feed.json)
    return float(good >= 0.8 * len(feed.json))


def parse(feed, context):
    def read(item):
        may_record = parse_do_not_record(item.get("may_record"))
        return Talk(
            rooms=clean_str_list(item.get("venue")),
            start=_time(item.get("start_date"), context),
            end=_time(item.get("end_date"), context),
            title=clean_str(item["title"]),
            abstract=html_from_plain_text(clean_str(item.get("description"))),
            url=clean_str(item.get("link")),
            guid=f"emf-{item.get('source')}-{item['id']}" if item.get("id") else "",
            speakers=clean_str_list(item.get("speaker")),
            kind=clean_str(item.get("type")),
            do_not_record=None if may_record is None else not may_record,
        )

    return context.each(feed.json, read)


def _time(value, context):
    # They are all in the camp's zone, whatever they say.
    return context.time(value.removesuffix("Z") if isinstance(value, str) else value)
