"""Links, attachments, licences, feedback forms and guids of rooms in feeds of other programs."""

import json

import pytest

from streaming_system.plugin import Link

from .round_trip import import_feed

ROOM_GUID = "11111111-1111-4111-8111-111111111111"
SLIDES = {"url": "/slides.pdf", "title": "Slides"}
BAD = {"url": "mailto:ada@e.example", "title": "Mail"}
XML = f"""<schedule><conference><title>Conf</title><base_url>https://e.example/conf/</base_url>
</conference><day date="2026-11-24"><room name="Hall" guid="{ROOM_GUID}">
<event id="1"><date>2026-11-24T10:00:00+01:00</date><duration>0:30</duration><title>Talk</title>
<links><link href="https://e.example/blog">Blog</link><link>https://e.example/old</link>
<link href="mailto:ada@e.example">Mail</link></links>
<attachments><attachment href="/slides.pdf">Slides</attachment></attachments>
<recording><license>CC-BY</license></recording><feedback_url>rate/1</feedback_url></event>
</room></day></schedule>"""
EVENT = {
    "title": "Talk",
    "links": [{"url": "https://e.example/blog", "title": "Blog"}, BAD, "odd", {"title": "No URL"}],
    "attachments": [SLIDES],
}
JSON = {
    "schedule": {
        "base_url": "https://e.example/conf/",
        "conference": {
            "rooms": [{"name": "Hall", "guid": ROOM_GUID}, {"name": 7, "guid": ROOM_GUID}, None],
            "days": [
                {
                    "rooms": {
                        "Hall": [
                            EVENT
                            | {
                                "date": "2026-11-24T10:00:00+01:00",
                                "duration": "0:30",
                                "recording_license": "CC-BY",
                                "feedback_url": "rate/1",
                            }
                        ]
                    }
                }
            ],
        },
    }
}
HUB = {
    "schedule": {
        "base_url": "https://e.example/conf/",
        "conference": {"rooms": [{"name": "Hall", "guid": ROOM_GUID}]},
        "events": [
            EVENT
            | {
                "start": "2026-11-24T10:00:00+01:00",
                "end": "2026-11-24T10:30:00+01:00",
                "room": {"name": "Hall", "guid": ROOM_GUID},
                "links": [
                    *EVENT["links"],
                    {"type": "FEEDBACK", "url": "https://e.example/conf/rate/1"},
                ],
            }
        ],
    }
}


@pytest.mark.parametrize(
    ("document", "license_text", "more_links"),
    [
        (XML, "CC-BY", (Link(url="https://e.example/old"),)),
        (json.dumps(JSON), "CC-BY", ()),
        (json.dumps(HUB), "", ()),
    ],
    ids=["xml", "json", "hub"],
)
def test_feed_gives_links_licence_feedback_and_guid_of_room(document, license_text, more_links):
    schedule, _, validated = import_feed(document.encode())

    [talk] = validated.talks
    assert talk.links == (Link(url="https://e.example/blog", title="Blog"), *more_links)
    assert talk.attachments == (Link(url="https://e.example/slides.pdf", title="Slides"),)
    assert talk.recording_license == license_text
    assert talk.feedback_url == "https://e.example/conf/rate/1"
    assert schedule.rooms["r0"].guid == ROOM_GUID


@pytest.mark.parametrize("odd", [None, 7, "https://e.example", {"url": "x"}, [[]], [{"url": 7}]])
def test_odd_links_cost_only_themselves(odd):
    event = JSON["schedule"]["conference"]["days"][0]["rooms"]["Hall"][0]
    changed = event | {"links": odd, "attachments": odd}
    document = json.dumps(JSON).replace(json.dumps(event), json.dumps(changed))

    _, _, validated = import_feed(document.encode())

    [talk] = validated.talks
    assert (talk.title, talk.links, talk.attachments) == ("Talk", (), ())


def test_link_called_like_ours_in_a_feed_of_another_program_is_kept():
    generated = XML.replace("<conference>", '<generator name="frab"/><conference>', 1)
    document = generated.replace(">Blog<", ">Live stream<").replace(
        "https://e.example/blog", "https://e.example/conf/hall#stream"
    )

    _, _, validated = import_feed(document.encode())

    assert validated.talks[0].links[0] == Link(
        url="https://e.example/conf/hall#stream", title="Live stream"
    )


@pytest.mark.parametrize("guid", ["", "7", "not-a-uuid", "x" * 36])
def test_room_guid_that_is_no_uuid_is_ignored(guid):
    schedule, _, _ = import_feed(XML.replace(ROOM_GUID, guid).encode())

    assert schedule.rooms["r0"].guid == ""
