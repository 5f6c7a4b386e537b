"""Loading and validating the configuration."""

import json
import re

import pytest

from streaming_system.config import (
    ConfigError,
    load_conference,
    load_conference_from_settings,
)

TIME_ZONES_HINT = "allowed: a name of the IANA database such as Europe/Berlin or UTC"

ORIGINS_HINT = (
    'allowed: a list of sites without a path, such as "https://blog.example.org" or '
    '"https://*.example.com", or "*" for all'
)


@pytest.fixture
def load(tmp_path):
    def load(public, private=None):
        (tmp_path / "config.json").write_text(_text(public), encoding="utf-8")
        if private is not None:
            (tmp_path / "config.private.json").write_text(_text(private), encoding="utf-8")
        return load_conference(tmp_path / "config.json", tmp_path / "config.private.json")

    return load


def _text(document):
    return document if isinstance(document, str) else json.dumps(document)


@pytest.fixture
def error_message(load, tmp_path):
    def error_message(*documents):
        with pytest.raises(ConfigError) as error:
            load(*documents)
        # The table of broken configurations has the lines and columns.
        return re.sub(r"\.json:\d+:\d+:", ".json:", str(error.value).replace(f"{tmp_path}/", ""))

    return error_message


class TestLoading:
    def test_configurations_of_the_original_site_are_accepted(self, load):
        config = load(
            """// Configuration file for application.
            {
                "config": {
                    "secret": "s",
                    // The venue.
                    "localips": ["^127\\\\.", "^66\\\\.78\\\\.236\\\\.243", ""],
                    "reload" : 600,
                    "": ""
                },
                "default": {
                    "channel": "#timvideos",
                    "irclog": "http://logs.example/%23timvideos/preview.log.html",
                    "twitter": "@timvideos OR #timvideos",
                    "logo": "/static/logo/timvideos.png",
                    "title": "Unknown stream",
                    "justintv_user": false,
                    "flumotion-mixer": false,
                    "": ""
                },
                "": {}
            }""",
            {"av": {"title": "Testing", "flumotion-mixer": "av.mixer.example", "": ""}, "": {}},
        )

        assert list(config.rooms) == ["av"]
        room = config.rooms["av"]
        assert (room.title, room.channel) == ("Testing", "#timvideos")
        assert room.irclog == "http://logs.example/%23timvideos/preview.log.html"
        assert config.site.is_local("66.78.236.243")
        assert config.site.is_local("127.0.0.1")
        assert not config.site.is_local("203.0.113.9")
        for key in ("justintv_user", "flumotion-mixer"):
            assert any(f"key '{key}': has no effect" in warning for warning in config.warnings)

    def test_lines_that_start_with_slashes_are_comments_outside_strings(self, load):
        config = load("""{
            // The names.
            "default": {"conference": "Conf", "link": "https://example.org/"},
            "config": {"secret": "s"},
            "hall": {"title": "The\\
// Hall"}
        }""")

        assert config.rooms["hall"].title == "The// Hall"

    def test_private_file_overrides_public_file_key_by_key(self, load):
        config = load(
            {"config": {"secret": "public", "reload": 5}, "hall": {"title": "Hall", "link": "/a"}},
            {"config": {"secret": "private"}, "hall": {"title": "Great Hall"}},
        )

        assert (config.site.secret, config.site.reload) == ("private", 5)
        assert (config.rooms["hall"].title, config.rooms["hall"].link) == ("Great Hall", "/a")

    def test_example_configuration_is_valid_without_warnings(self, root):
        config = load_conference(root / "config.json", root / "config.private.json.example")

        assert list(config.rooms) == ["example", "lab", "garden"]
        assert config.warnings == ()

    @pytest.mark.parametrize(
        "embed", ["*", "https://blog.example.org", "http://localhost:8080", "https://*.example.com"]
    )
    def test_embed_accepts_one_origin_or_a_list(self, load, embed):
        for value in (embed, [embed]):
            assert load({"config": {"embed": value}}).site.embed == (embed,)

    def test_references_in_values_are_replaced(self, load):
        config = load(
            {
                "default": {
                    "preview": "http://p.example/%23x/%(group)s.png",
                    "ircchannel": "#%(conference)s-%(group)s",
                },
                "hall": {"conference": "lca%(group)s"},
            }
        )

        assert config.rooms["hall"].preview == "http://p.example/%23x/hall.png"
        assert config.rooms["hall"].ircchannel == "#lcahall-hall"

    def test_site_feed_is_the_default_of_every_room(self, load, tmp_path):
        config = load(
            {
                "config": {
                    "schedule-url": "https://e.example/schedule.xml",
                    "schedule-timezone": "Europe/Berlin",
                },
                "a": {},
                "b": {"schedule": "b.json", "schedule-timezone": "Asia/Tokyo"},
            }
        )

        assert config.rooms["a"].schedule == "https://e.example/schedule.xml"
        assert config.rooms["a"].schedule_timezone.key == "Europe/Berlin"
        assert config.rooms["b"].schedule == str(tmp_path / "b.json")
        assert config.rooms["b"].schedule_timezone.key == "Asia/Tokyo"

    def test_see_also_accepts_one_name_or_a_list(self, load):
        config = load(
            {"a": {"schedule-see-also": "Plenary"}, "b": {"schedule-see-also": ["X", "", "Y"]}}
        )

        assert config.rooms["a"].schedule_see_also == ("Plenary",)
        assert config.rooms["b"].schedule_see_also == ("X", "Y")

    def test_former_id_that_leads_to_another_room_is_a_warning(self, load):
        config = load({"a": {"former-ids": ["B", "old"]}, "b": {"former-ids": ["Old", "older"]}})

        assert config.rooms["b"].former_ids == ("Old", "older")
        assert [
            line.partition("key ")[2] for line in config.warnings if "'former-ids'" in line
        ] == [
            "'former-ids': 'B' belongs to room 'b': its address does not lead here; remove it",
            "'former-ids': 'Old' belongs to room 'a': its address does not lead here; remove it",
        ]

    def test_every_key_of_the_original_site_is_accepted(self, load):
        keys = [
            "conference",
            "title",
            "link",
            "logo",
            "twitter",
            "twitter_announce",
            "ircnetwork",
            "ircchannel",
            "channel",
            "irclog",
            "schedule",
            "schedule-key",
            "schedule-see-also",
            "schedule-timezone",
            "preview",
            "flumotion",
            "flumotion-collector",
            "flumotion-encoder",
            "flumotion-mixer",
            "flumotion-user",
            "flumotion-password",
            "flumotion-salt",
            "youtube",
        ]
        values = dict.fromkeys(keys, "x") | {
            "flumotion": True,
            "schedule-timezone": "UTC",
            "schedule-see-also": [],
        }

        assert load({"hall": values}).rooms["hall"].irclog == "x"


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (
            {"schedule-timezone": "Mars/Phobos"},
            f"key 'schedule-timezone': is 'Mars/Phobos'; {TIME_ZONES_HINT}",
        ),
        (
            {"schedule-timezone": "../../etc/passwd"},
            f"key 'schedule-timezone': is '../../etc/passwd'; {TIME_ZONES_HINT}",
        ),
        (
            {"schedule-room-default": "Hal"},
            "key 'schedule-room-default': there is no room 'Hal'; allowed: hall",
        ),
        ({"link": 7}, "key 'link': is 7; allowed: text in quotes, or false"),
        (
            {"link": "javascript:alert(1)"},
            "key 'link': is 'javascript:alert(1)'; allowed: an address that begins with https:// "
            "or http://, or a path",
        ),
        (
            {"schedule": "ftp://e.example/x"},
            "key 'schedule': is 'ftp://e.example/x'; allowed: an http:// or https:// address, "
            "or a path",
        ),
        (
            {"schedule-see-also": [1]},
            "key 'schedule-see-also': is [1]; allowed: a list of texts",
        ),
        (
            {"youtube": "https://youtu.be/x"},
            "key 'youtube': is 'https://youtu.be/x'; allowed: the id of a video, such as "
            "dQw4w9WgXcQ, or false",
        ),
        (
            {"title": "%(titel)s"},
            "key 'title': %(titel)s names no text; use %(group)s for the room's id, or another "
            "key of the room",
        ),
        ({"title": "%(title)s"}, "key 'title': %(title)s refers to itself"),
        ({"title": ""}, "key 'title': is ''; allowed: 1 to 200 printable characters"),
    ],
)
def test_invalid_room_value_is_reported_with_file_room_and_key(error_message, room, line):
    assert error_message({}, {"hall": room}) == f"config.private.json: room 'hall': {line}"


def test_unknown_key_is_reported_with_similar_and_allowed_keys(error_message):
    assert error_message({"hall": {"zzz": ""}}).startswith(
        "config.json: room 'hall': key 'zzz': unknown key; "
        "allowed: channel, chat, closed, conference,"
    )
    assert error_message({"hall": {"titel": ""}}).startswith(
        "config.json: room 'hall': key 'titel': unknown key; did you mean 'title'? allowed: "
    )


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"reload": "5"}, "key 'reload': is '5'; allowed: a whole number of seconds, 0 to 86400"),
        ({"reload": True}, "key 'reload': is True; allowed: a whole number of seconds, 0 to 86400"),
        (
            {"hls-playlist": "../x.m3u8?"},
            "key 'hls-playlist': is '../x.m3u8?'; allowed: a path below an endpoint's base URL, "
            "such as stream.m3u8 or {room}/index.m3u8",
        ),
        (
            {"embed": ["https://blog.example.org", "https://blog.example.org/page"]},
            f"key 'embed': 'https://blog.example.org/page'; {ORIGINS_HINT}",
        ),
        ({"embed": "blog.example.org"}, f"key 'embed': 'blog.example.org'; {ORIGINS_HINT}"),
        (
            {"embed": ["https://a.example; img-src *"]},
            f"key 'embed': 'https://a.example; img-src *'; {ORIGINS_HINT}",
        ),
        ({"embed": True}, "key 'embed': is True; allowed: a list of texts"),
        ({"secret": 5}, "key 'secret': must be text in quotes, or false"),
        (
            {"localips": ["("]},
            "key 'localips': '(' is no regular expression (missing ), unterminated subpattern at "
            'position 0); allowed: a list of networks such as "192.0.2.0/24", and of patterns such '
            'as "^192\\\\.0\\\\.2\\\\."',
        ),
    ],
)
def test_invalid_site_value_is_reported_with_file_and_key(error_message, config, line):
    assert error_message({"config": config}) == f"config.json: section 'config': {line}"


@pytest.mark.parametrize("room_id", ["monitor", "graphs", "tracker", "static", "Monitor"])
def test_room_id_cannot_be_a_path_of_the_site(error_message, room_id):
    line = error_message({room_id: {}})

    assert line.startswith(
        f"config.json: room '{room_id}': the site itself uses /{room_id}; choose another id"
    )


@pytest.mark.parametrize("room_id", ["a-b", "a b", "ä", "a/b", "a" * 65])
def test_room_id_contains_only_ascii_letters_digits_and_underscores(error_message, room_id):
    assert error_message({room_id: {}}) == (
        f"config.json: room {room_id!r}: a room id is 1 to 64 of the characters A-Z a-z 0-9 _"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "config.json: the '{' that begins here is not closed"),
        ("[]", "config.json: must hold one object: {…}"),
        (
            '{"hall": 5}',
            "config.json: room 'hall': must be an object: {…}; keys belong in one, such as "
            "'default'",
        ),
        (
            '{"hall": {}, "hall": {}}',
            "config.json: duplicate key 'hall' in one object: line 1 has it, too; remove or "
            "rename one",
        ),
    ],
)
def test_invalid_file_is_reported_with_its_syntax_error(error_message, text, line):
    assert error_message(text) == line


def test_missing_public_file_is_reported(tmp_path):
    with pytest.raises(ConfigError) as error:
        load_conference(tmp_path / "config.json", tmp_path / "config.private.json")

    assert str(error.value) == f"{tmp_path}/config.json: cannot be read: No such file or directory"


def test_example_is_used_until_a_private_file_exists(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "example").write_text('{"hall": {}}')
    settings = {
        "config.public": str(tmp_path / "config.json"),
        "config.private": str(tmp_path / "config.private.json"),
        "config.example": str(tmp_path / "example"),
    }

    assert list(load_conference_from_settings(settings).rooms) == ["hall"]

    (tmp_path / "config.private.json").write_text('{"mine": {}}')

    assert list(load_conference_from_settings(settings).rooms) == ["mine"]
