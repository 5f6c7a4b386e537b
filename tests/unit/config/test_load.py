"""The configuration: what is read, what is refused, and with which words."""

import json

import pytest

from streaming_system.config import ConfigError, load_conference_from_settings
from streaming_system.config import load as load_config

ZONES = "allowed: a name of the IANA database such as Europe/Berlin or UTC"

SITES = (
    'allowed: a list of sites without a path, such as "https://blog.example.org" or '
    '"https://*.example.com", or "*" for all'
)


@pytest.fixture
def load(tmp_path):
    def load(public, private=None):
        (tmp_path / "config.json").write_text(_text(public), encoding="utf-8")
        if private is not None:
            (tmp_path / "config.private.json").write_text(_text(private), encoding="utf-8")
        return load_config(tmp_path / "config.json", tmp_path / "config.private.json")

    return load


def _text(document):
    return document if isinstance(document, str) else json.dumps(document)


@pytest.fixture
def complaint(load, tmp_path):
    def complaint(*documents):
        with pytest.raises(ConfigError) as refusal:
            load(*documents)
        return str(refusal.value).replace(f"{tmp_path}/", "")

    return complaint


class TestReading:
    def test_the_format_of_existing_deployments_is_read(self, load):
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
        assert (room.title, room.channel, room.flumotion_mixer, room.flumotion_encoder) == (
            "Testing",
            "#timvideos",
            "av.mixer.example",
            "",
        )
        assert room.irclog == "http://logs.example/%23timvideos/preview.log.html"
        assert config.site.is_local("66.78.236.243")
        assert config.site.is_local("127.0.0.1")
        assert not config.site.is_local("203.0.113.9")
        assert any("justintv_user" in warning for warning in config.warnings)

    def test_a_line_that_begins_with_slashes_is_a_comment_but_not_within_a_text(self, load):
        config = load("""{
            // What it is called.
            "default": {"conference": "Conf", "link": "https://example.org/"},
            "config": {"secret": "s"},
            "hall": {"title": "The\\
// Hall"}
        }""")

        assert config.rooms["hall"].title == "The// Hall"

    def test_the_private_file_is_laid_over_the_public_one_key_by_key(self, load):
        config = load(
            {"config": {"secret": "public", "reload": 5}, "hall": {"title": "Hall", "link": "/a"}},
            {"config": {"secret": "private"}, "hall": {"title": "Great Hall"}},
        )

        assert (config.site.secret, config.site.reload) == ("private", 5)
        assert (config.rooms["hall"].title, config.rooms["hall"].link) == ("Great Hall", "/a")

    def test_the_project_s_own_example_is_good(self, root):
        config = load_config(root / "config.json", root / "config.private.json.example")

        assert list(config.rooms) == ["example", "garden", "lab"]
        assert config.warnings == ()

    @pytest.mark.parametrize(
        "embed", ["*", "https://blog.example.org", "http://localhost:8080", "https://*.example.com"]
    )
    def test_sites_that_may_show_the_player_are_named_alone_or_as_a_list(self, load, embed):
        for value in (embed, [embed]):
            assert load({"config": {"embed": value}}).site.embed == (embed,)

    def test_values_refer_to_the_room_and_to_other_keys(self, load):
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

    def test_a_feed_for_the_site_serves_every_room_that_names_none(self, load, tmp_path):
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

    def test_see_also_may_be_one_name_or_many(self, load):
        config = load(
            {"a": {"schedule-see-also": "Plenary"}, "b": {"schedule-see-also": ["X", "", "Y"]}}
        )

        assert config.rooms["a"].schedule_see_also == ("Plenary",)
        assert config.rooms["b"].schedule_see_also == ("X", "Y")

    def test_every_key_of_the_original_is_known(self, load):
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

        assert load({"hall": values}).rooms["hall"].flumotion_salt == "x"


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (
            {"schedule-timezone": "Mars/Phobos"},
            f"key 'schedule-timezone': 'Mars/Phobos' is no time zone; {ZONES}",
        ),
        (
            {"schedule-timezone": "../../etc/passwd"},
            f"key 'schedule-timezone': '../../etc/passwd' is no time zone; {ZONES}",
        ),
        ({"flumotion": "yes"}, "key 'flumotion': is 'yes'; allowed: true or false"),
        ({"link": 7}, "key 'link': is 7; allowed: text in quotes, or false"),
        (
            {"link": "javascript:alert(1)"},
            "key 'link': is 'javascript:alert(1)'; allowed: an http(s) address or a path",
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
        ({"title": "%(title)s"}, "key 'title': %(title)s leads back to itself"),
        ({"title": ""}, "key 'title': is ''; allowed: 1 to 200 printable characters"),
    ],
)
def test_a_bad_value_is_refused_by_file_room_and_key(complaint, room, line):
    assert complaint({}, {"hall": room}) == f"config.private.json: room 'hall': {line}"


def test_an_unknown_key_is_refused_with_the_likely_and_the_allowed_ones(complaint):
    assert complaint({"hall": {"zzz": ""}}).startswith(
        "config.json: room 'hall': key 'zzz': unknown key; allowed: channel, chat, conference,"
    )
    assert complaint({"hall": {"titel": ""}}).startswith(
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
            f"key 'embed': 'https://blog.example.org/page'; {SITES}",
        ),
        ({"embed": "blog.example.org"}, f"key 'embed': 'blog.example.org'; {SITES}"),
        (
            {"embed": ["https://a.example; img-src *"]},
            f"key 'embed': 'https://a.example; img-src *'; {SITES}",
        ),
        ({"embed": True}, "key 'embed': is True; allowed: a list of texts"),
        ({"secret": 5}, "key 'secret': is 5; allowed: text in quotes, or false"),
        (
            {"localips": ["("]},
            "key 'localips': '(' is no regular expression (missing ), unterminated subpattern at "
            'position 0); allowed: a list of patterns such as "^192\\\\.0\\\\.2\\\\."',
        ),
    ],
)
def test_a_bad_value_for_the_site_is_refused(complaint, config, line):
    assert complaint({"config": config}) == f"config.json: section 'config': {line}"


@pytest.mark.parametrize("room_id", ["monitor", "graphs", "tracker", "static", "Monitor"])
def test_a_room_cannot_take_an_address_of_the_site(complaint, room_id):
    line = complaint({room_id: {}})

    assert line.startswith(
        f"config.json: room '{room_id}': the site itself uses /{room_id}; choose another id"
    )


@pytest.mark.parametrize("room_id", ["a-b", "a b", "ä", "a/b", "a" * 65])
def test_a_room_id_has_only_plain_characters(complaint, room_id):
    assert complaint({room_id: {}}) == (
        f"config.json: room {room_id!r}: a room id is 1 to 64 of the characters A-Z a-z 0-9 _"
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", "config.json: line 1: Unexpected end of input at column 2"),
        ("[]", "config.json: must hold one object: {…}"),
        ('{"hall": 5}', "config.json: room 'hall': must be an object: {…}"),
        (
            '{"hall": {}, "hall": {}}',
            "config.json: the key 'hall' stands twice in one object",
        ),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(complaint, text, line):
    assert complaint(text) == line


def test_a_missing_public_file_is_refused(tmp_path):
    with pytest.raises(ConfigError) as refusal:
        load_config(tmp_path / "config.json", tmp_path / "config.private.json")

    assert (
        str(refusal.value) == f"{tmp_path}/config.json: cannot be read: No such file or directory"
    )


def test_the_example_is_read_only_while_there_is_no_private_file(tmp_path):
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
