"""pretalx's REST API: ``/api/events/EVENT/slots/``, ``submissions/``, ``talks/``, ``schedules/``.

Slots and submissions come in pages, ``{"count", "next", "previous", "results": [...]}``; a schedule
is an object with ``slots``. A slot has ``start``, ``end``, ``room``, and a ``submission`` unless it
is a break. A submission has ``slots``, or one ``slot`` in versions before 2025. References are
numbers and codes unless the URL asks to expand them.
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
    html_from_markdown,
    join_abstracts,
    list_items,
    parse_do_not_record,
    share_with_keys,
)

EXPAND_SLOTS = "?expand=room,submission,submission.speakers,submission.track"
EXPAND_SUBMISSIONS = "?expand=speakers,track,slots,slots.room"
ACCEPTED_STATES = ("accepted", "confirmed")
SLOT_KEYS = ("start", "room", "submission")


@hookimpl
def register_parsers():
    return [
        Parser(
            name="pretalx-api",
            summary="pretalx's REST API (slots, submissions, talks, schedules)",
            recognise=recognise,
            parse=parse,
        )
    ]


def recognise(feed: Feed) -> float:
    pages = feed.json if isinstance(feed.json, list) else [feed.json]
    if share_with_keys(pages, "count", "next", "results"):
        results = _results(pages)
        if not results:
            # An empty page of any API of Django; no other format looks like this.
            return 0.5
        return max(share_with_keys(results, *SLOT_KEYS), _share_of_submissions(results))
    if isinstance(feed.json, dict):
        is_schedule = {"slots", "version", "published"} <= feed.json.keys()
        return float(is_schedule and isinstance(feed.json["slots"], list))
    # Submissions without any slot are no schedule.
    has_slots = any(_slots(item) for item in pages if isinstance(item, dict))
    return max(share_with_keys(pages, *SLOT_KEYS), has_slots and _share_of_submissions(pages))


def _share_of_submissions(items):
    return share_with_keys(items, "code", "title", "state", ("slot", "slots"))


def _results(pages):
    return [
        item for page in pages if isinstance(page, dict) for item in list_items(page.get("results"))
    ]


def _slots(submission):
    return list_items(submission.get("slots") or submission.get("slot"))


def parse(feed, context):
    if isinstance(feed.json, dict) and "slots" in feed.json and "code" not in feed.json:
        items = list_items(feed.json["slots"])
    else:
        pages = feed.json if isinstance(feed.json, list) else [feed.json]
        is_paged = share_with_keys(pages, "results") > 0
        items = _results(pages) if is_paged else pages
        if is_paged and isinstance(feed.json, dict) and feed.json.get("next"):
            context.warn(
                f"this is one page with {len(items)} of {feed.json.get('count')} entries: import "
                "the feed from its URL to get all pages"
            )
    return context.parse_located_items(_entries(items), lambda entry: _parse_slot(entry, context))


def _entries(items):
    """Yield the slots of both lists in one form, with the submission of each."""
    for number, item in enumerate(items, 1):
        location = f"item {number}"
        if not isinstance(item, dict):
            yield location, {"slot": item, "submission": {}, "expand": EXPAND_SLOTS}
        elif "code" not in item:
            submission = item.get("submission")
            title = submission.get("title") if isinstance(submission, dict) else None
            entry = {"slot": item, "submission": submission, "title": title}
            yield location, entry | {"expand": EXPAND_SLOTS}
        else:
            # A submission without a slot is not scheduled.
            for slot in _slots(item) or [{}]:
                entry = {"slot": slot, "submission": item, "title": item.get("title")}
                yield location, entry | {"expand": EXPAND_SUBMISSIONS}


def _parse_slot(entry, context):
    slot, submission = entry["slot"], entry["submission"]
    if not isinstance(slot, dict) or not isinstance(submission, dict | None):
        raise SkipEntryError(
            "bad-value",
            f"the talk is only named by a number or code: add {entry['expand']} to the URL",
        )
    is_break = submission is None
    submission = submission or {}
    if submission.get("state") not in (None, "", *ACCEPTED_STATES):
        raise SkipEntryError("not-accepted", f"state is {submission['state']!r:.40}")
    start = context.parse_time(slot.get("start"))
    if isinstance(slot.get("room"), int):
        context.count(f"rooms are numbers: add {entry['expand']} to the URL to get their names")
    code = clean_str(submission.get("code"))
    # Codes of speakers that are not expanded are no names.
    speakers, speaker_ids = clean_people(
        [person for person in list_items(submission.get("speakers")) if isinstance(person, dict)]
    )
    return Talk(
        rooms=clean_str_list(slot.get("room")),
        start=start,
        end=context.parse_end(
            start,
            end=slot.get("end"),
            duration=slot.get("duration") or submission.get("duration"),
        ),
        title=clean_str(slot.get("description") if is_break else submission.get("title")),
        abstract=join_abstracts(
            (clean_str(submission.get(key)) for key in ("abstract", "description")),
            html_from_markdown,
        ),
        # Ids of slots change with each release of the schedule.
        guid=f"pretalx-{code}" if code else "",
        speakers=speakers,
        speaker_ids=speaker_ids,
        track=_reference_name(submission.get("track")),
        language=clean_str(submission.get("content_locale")),
        talk_type="break" if is_break else _reference_name(submission.get("submission_type")),
        do_not_record=parse_do_not_record(submission.get("do_not_record")),
    )


def _reference_name(value):
    """Return the name of a track or type; "" for its number."""
    return "" if isinstance(value, int) else clean_str(value)
