"""A small valid sample of each format, for tests that damage it."""

import json

ZOOKEEPR = {
    "Id": 5,
    "Event": 2,
    "Title": "Keynote",
    "Room Name": "Hall",
    "Start": "2026-07-04 10:00:00",
    "Duration": "0:45:00",
    "Description": "*Hello*",
    "Presenters": "Ada",
    "URL": "https://e.example/1",
}
SLOT = {
    "conf_key": 7,
    "name": "Keynote",
    "kind": "plenary",
    "room": "Hall",
    "rooms": ["Hall", "Lab"],
    "start": "2026-07-04T10:00:00",
    "end": "2026-07-04T10:45:00",
    "abstract": "**Hello**",
    "authors": [{"name": "Ada"}],
    "conf_url": "https://e.example/1",
    "cancelled": False,
}
SESSION = {
    "id": "14022",
    "title": "Keynote",
    "description": "text",
    "startsAt": "2026-07-04T10:00:00",
    "endsAt": "2026-07-04T11:00:00",
    "isServiceSession": False,
    "isPlenumSession": True,
    "speakers": [{"id": "1", "name": "Ada"}],
    "roomId": 215,
    "room": "Hall",
}
INDICO_TIME = {"date": "2026-07-04", "time": "10:00:00", "tz": "Europe/Zurich"}
CONTRIBUTION = {
    "_type": "Contribution",
    "id": "1",
    "db_id": 1,
    "title": "Keynote",
    "startDate": INDICO_TIME,
    "endDate": None,
    "duration": 30,
    "room": "Hall",
    "description": "x",
    "speakers": [{"first_name": "Ada", "last_name": "E"}],
}

JSON = {
    "zookeepr": [ZOOKEEPR, ZOOKEEPR | {"Id": 6, "End": "2026-07-04 12:00:00"}],
    "zookeepr-rooms": {
        "Hall": [
            {
                "title": "Keynote",
                "start": "2026-07-04 10:00:00",
                "end": "2026-07-04 10:45:00",
                "event_id": 3,
                "schedule_id": 5,
                "abstract": "",
            }
        ]
    },
    "symposion": {"schedule": [SLOT]},
    "pyconus": {
        "conference": {"content": ""},
        "schedule": [SLOT | {"start": "2026-07-04T04:00:00-04:00", "description": "<p>x</p>"}],
    },
    "pycon": [
        {
            "room": "Hall",
            "name": "Keynote",
            "start": "2026-07-04T10:00:00",
            "duration": "1:30",
            "conf_url": "https://e.example/1",
            "kind": "plenary",
            "authors": ["Ada"],
        }
    ],
    "veyepar": [
        {"pk": 9, "model": "main.location", "fields": {"name": "Hall"}},
        {
            "pk": 1,
            "model": "main.episode",
            "fields": {
                "name": "Keynote",
                "location": 9,
                "start": "2026-07-04 10:00:00",
                "duration": "00:45:00",
                "description": "",
                "authors": "Ada",
            },
        },
    ],
    "schedule.json": {
        "schedule": {
            "conference": {
                "time_zone_name": "Europe/Berlin",
                "base_url": "https://e.example/",
                "days": [
                    {
                        "index": 1,
                        "rooms": {
                            "Hall": [
                                {
                                    "guid": "g1",
                                    "date": "2026-07-04T10:00:00+02:00",
                                    "duration": "00:45",
                                    "room": "Hall",
                                    "title": "Keynote",
                                    "track": {"en": "Main"},
                                    "persons": [{"public_name": "Ada"}],
                                    "url": "talk/1",
                                    "do_not_record": "false",
                                }
                            ]
                        },
                    }
                ],
            }
        }
    },
    "schedule2.json": {
        "schedule": {
            "base_url": "https://e.example/",
            "conference": {
                "time_zone_name": "Europe/Berlin",
                "rooms": [{"slug": "hall", "features": {"recording": "not_allowed"}}],
                "tracks": [{"slug": "t", "name": "Track"}],
            },
            "events": [
                {
                    "guid": "g",
                    "start": "2026-07-04T10:00:00+02:00",
                    "end": "2026-07-04T11:00:00+02:00",
                    "room": {"name": "Hall", "slug": "hall"},
                    "title": "Keynote",
                    "track": {"slug": "t"},
                    "participants": [{"name": "Ada", "role": "SPEAKER"}],
                    "url": "x",
                }
            ],
        }
    },
    "pretalx-widget": {
        "talks": [
            {
                "code": "ABC",
                "id": 1,
                "title": "Keynote",
                "abstract": "x",
                "speakers": ["S1"],
                "track": 3,
                "start": "2026-07-04T10:00:00+02:00",
                "end": "2026-07-04T10:45:00+02:00",
                "room": 2,
            },
            {
                "title": {"en": "Lunch"},
                "start": "2026-07-04T12:00:00+02:00",
                "end": "2026-07-04T13:00:00+02:00",
                "room": 2,
            },
        ],
        "rooms": [{"id": 2, "name": {"en": "Hall"}}],
        "tracks": [{"id": 3, "name": {"en": "Main"}}],
        "speakers": [{"code": "S1", "name": "Ada"}],
        "timezone": "Europe/Berlin",
        "event_start": "2026-07-04",
    },
    "pretalx-api": {
        "count": 2,
        "next": None,
        "previous": None,
        "results": [
            {
                "id": 1,
                "room": {"id": 2, "name": {"en": "Hall"}},
                "start": "2026-07-04T10:00:00+02:00",
                "end": "2026-07-04T10:45:00+02:00",
                "duration": 45,
                "submission": {
                    "code": "ABC",
                    "title": "Keynote",
                    "state": "confirmed",
                    "speakers": [{"code": "S1", "name": "Ada"}],
                    "track": {"id": 3, "name": {"en": "Main"}},
                    "abstract": "x",
                    "do_not_record": False,
                },
            },
            {
                "code": "DEF",
                "title": "Panel",
                "state": "confirmed",
                "speakers": ["S1"],
                "slots": [
                    {
                        "id": 3,
                        "room": 2,
                        "start": "2026-07-04T12:00:00+02:00",
                        "end": "2026-07-04T13:00:00+02:00",
                    }
                ],
            },
        ],
    },
    "sessionize-all": {
        "sessions": [SESSION | {"speakers": ["1"]}],
        "speakers": [{"id": "1", "fullName": "Ada"}],
        "rooms": [{"id": 215, "name": "Hall"}],
        "categories": [],
    },
    "sessionize-grid": [
        {
            "date": "2026-07-04T00:00:00Z",
            "rooms": [{"id": 215, "name": "Hall", "sessions": [SESSION]}],
            "timeSlots": [],
        }
    ],
    "sessionize-sessions": [{"groupId": 1, "groupName": "All", "sessions": [SESSION]}],
    "indico": {
        "_type": "HTTPAPIResult",
        "results": [
            {
                "_fossil": "conferenceMetadata",
                "room": "Hall",
                "sessions": [{"contributions": [CONTRIBUTION]}],
                "contributions": [CONTRIBUTION],
            }
        ],
    },
    "indico-timetable": {
        "_type": "HTTPAPIResult",
        "results": {
            "1": {
                "20260704": {
                    "c1": CONTRIBUTION | {"entryType": "Contribution"},
                    "s1": {"entryType": "Session", "entries": {"c2": CONTRIBUTION | {"id": "2"}}},
                }
            }
        },
    },
    "openevent": [
        {
            "id": 1,
            "title": "Keynote",
            "state": "accepted",
            "microlocation": {"name": "Hall"},
            "starts-at": "2026-07-04T10:00:00+02:00",
            "ends-at": "2026-07-04T11:00:00+02:00",
            "speakers": [{"name": "Ada"}],
            "track": {"name": "Main"},
        }
    ],
    "emf": [
        {
            "id": 1,
            "title": "Keynote",
            "venue": "Hall",
            "start_date": "2026-07-04 10:00:00",
            "end_date": "2026-07-04 11:00:00",
            "source": "database",
            "speaker": "Ada",
            "may_record": True,
        },
        {
            "id": 2,
            "title": "Panel",
            "names": "Ada",
            "occurrences": [
                {
                    "occurrence_num": 1,
                    "venue": "Hall",
                    "start_date": "2026-07-04 12:00:00",
                    "end_date": "2026-07-04 13:00:00",
                    "video_privacy": "public",
                }
            ],
        },
    ],
    "sched": [
        {
            "event_key": "1",
            "name": "Keynote",
            "active": "Y",
            "event_start": "2026-07-04 10:00",
            "event_end": "2026-07-04 11:00",
            "start_time_ts": "1783152000",
            "venue": "Hall",
            "speakers": [{"name": "Ada"}],
        }
    ],
    "sample-event": {"sample-event": {"Hall": [{"title": "Keynote", "minutes": 600}]}},
}

XML = b"""<schedule><generator name="pretalx"/><conference><title>C</title>
<base_url>https://e.example/</base_url><time_zone_name>Europe/Berlin</time_zone_name>
<day_change>04:00</day_change></conference>
<day date="2026-07-04" start="2026-07-04T04:00:00+02:00" end="2026-07-05T03:59:00+02:00">
<room name="Hall"><event id="1" guid="g"><date>2026-07-04T10:00:00+02:00</date><start>10:00</start>
<duration>00:45</duration><room>Hall</room><title>Keynote</title><abstract>&lt;p&gt;x&lt;/p&gt;</abstract>
<persons><person>Ada</person></persons><recording><optout>true</optout></recording></event></room>
</day></schedule>"""

ICS = b"""BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//x//x//EN\r
X-WR-TIMEZONE:Europe/Berlin\r
BEGIN:VEVENT\r
UID:1\r
DTSTAMP:20260701T000000Z\r
DTSTART;TZID=Europe/Berlin:20260704T100000\r
DURATION:PT45M\r
RRULE:FREQ=DAILY;COUNT=3\r
SUMMARY:Keynote\r
LOCATION:Hall\r
DESCRIPTION:<p>x</p>\r
CATEGORIES:A,B\r
STATUS:CONFIRMED\r
END:VEVENT\r
END:VCALENDAR\r
"""

CSV = b"Room,Date,Start,Duration,Title,ID\nHall,2026-07-04,10:00,0:45,Keynote,1\n"


def all_samples() -> dict[str, bytes]:
    """Return a feed's bytes by the name of its format."""
    documents = {name: json.dumps(document).encode() for name, document in JSON.items()}
    return documents | {"schedule.xml": XML, "icalendar": ICS, "csv": CSV}
