"""Veyepar, the video pipeline of Next Day Video: episodes in a Django dump.

``[{"pk", "model": "main.episode", "fields": {"name", "location", "start", "end", …}}]``, or
``duration`` instead of ``end``. ``location`` is a room's name, or in a raw dump the key of a
``main.location`` in the same list. Times are local, without offset.
"""

from streaming_system.plugin import (
    Feed,
    Parser,
    Talk,
    clean_str,
    clean_str_list,
    hookimpl,
    html_from_markdown,
    share_with_keys,
)


@hookimpl
def register_parsers():
    return [
        Parser(
            name="veyepar",
            summary="veyepar's episodes, as Django dumps them",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    if not isinstance(feed.json, list):
        return 0.0
    rows = [item for item in feed.json if isinstance(item, dict)]
    has_episodes = any(row.get("model") == "main.episode" for row in rows)
    return share_with_keys(feed.json, "pk", "model", "fields") if has_episodes else 0.0


def parse(feed, context):
    context.days_first = False
    locations = {
        str(row["pk"]): row["fields"].get("name")
        for row in feed.json
        if isinstance(row, dict)
        and row.get("model") == "main.location"
        and isinstance(row.get("fields"), dict)
        and isinstance(row.get("pk"), int | str)
    }

    def parse_row(row):
        episode = row["episode"]
        start = context.parse_time(episode["start"])
        location = episode.get("location")
        room = locations.get(str(location), location) if isinstance(location, int | str) else ""
        return Talk(
            rooms=clean_str_list(room),
            start=start,
            end=context.parse_end(start, end=episode.get("end"), duration=episode.get("duration")),
            title=clean_str(episode["name"]),
            abstract=html_from_markdown(clean_str(episode.get("description"))),
            url=clean_str(episode.get("public_url")) or clean_str(episode.get("conf_url")),
            guid=f"veyepar-{row['pk']}",
            number=row["pk"],
            speakers=clean_str_list(clean_str(episode.get("authors")).split(",")),
        )

    episodes = (
        (
            f"item {number}",
            {"pk": row["pk"], "episode": row["fields"], "title": row["fields"].get("name")}
            if isinstance(row, dict) and isinstance(row.get("fields"), dict)
            else row,
        )
        for number, row in enumerate(feed.json, 1)
        if not isinstance(row, dict) or row.get("model") == "main.episode"
    )
    return context.parse_located_items(episodes, parse_row)
