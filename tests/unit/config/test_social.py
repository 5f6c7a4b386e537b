"""The keys that say where people talk about a room: what is read, and what is refused."""

import json

import pytest

from streaming_system import config
from streaming_system.config import MastodonFeed

SERVER = "https://mastodon.example"


@pytest.fixture
def hall(tmp_path):
    """Return a function that reads a room with some keys."""

    def hall(**keys):
        (tmp_path / "config.json").write_text(json.dumps({"hall": keys}))
        return config.load(tmp_path / "config.json", tmp_path / "none.json").rooms["hall"]

    return hall


@pytest.mark.parametrize(
    ("keys", "server", "hashtag"),
    [
        ({"posts": {"server": f"{SERVER}/", "hashtag": "#conf"}}, SERVER, "conf"),
        ({"posts": "#conf@Mastodon.example"}, SERVER, "conf"),
        ({"posts": f"Vögel@{SERVER}"}, SERVER, "Vögel"),
        ({"posts": "mastodon.example", "twitter": "@conf OR #conf24"}, SERVER, "conf24"),
        ({"posts": {"server": SERVER}, "twitter": "#conf"}, SERVER, "conf"),
        ({"posts": "#%(group)s@mastodon.example"}, SERVER, "hall"),
        ({"posts": "#conf@http://127.0.0.1:3000"}, "http://127.0.0.1:3000", "conf"),
    ],
)
def test_posts_have_a_server_and_a_hashtag(hall, keys, server, hashtag):
    assert hall(**keys).posts == MastodonFeed(server=server, hashtag=hashtag)


@pytest.mark.parametrize(
    "posts",
    [
        "#conf@http://mastodon.example",
        "#conf@ftp://mastodon.example",
        "#conf@https://user@mastodon.example",
        "#conf@mastodon.example/path",
        "#conf@mastodon.example:0",
        "#conf@[::1",
        "#a/../b@mastodon.example",
        {"server": SERVER, "token": "x"},
        {"hashtag": "conf"},
        {"server": SERVER, "hashtag": ["conf"]},
        ["#conf@mastodon.example"],
    ],
)
def test_a_server_that_must_not_be_asked_is_refused(hall, posts):
    with pytest.raises(config.ConfigError, match=r"key 'posts': is .*; allowed: \{\"server\""):
        hall(posts=posts)


def test_posts_without_any_hashtag_are_refused(hall):
    with pytest.raises(config.ConfigError, match="key 'posts': names no hashtag, nor does twitter"):
        hall(posts="mastodon.example", twitter="@conf")


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("chat", "http://chat.example/", "begins with https,"),
        ("chat", "https://{room}.example/", "behind the host"),
        ("chat", "https://chat.example; script-src *", "behind the host"),
        ("chat", "https://chat.example/{nick}", "{room}, {network}, {channel}, {matrix}"),
        ("chat", "https://chat.example/{room", "{room}"),
        ("webchat", "javascript:alert(1)", "{room}, {network}, {channel}"),
        ("webchat", 7, "begins with https,"),
        ("feedback", "ftp://f.example/{talk}", "https or http or mailto"),
        ("feedback", "mailto:nobody", "{room}, {talk}"),
        ("matrix", "ourconf:matrix.org", "#ourconf:matrix.org"),
    ],
)
def test_what_a_page_must_not_lead_to_is_refused(hall, key, value, allowed):
    with pytest.raises(config.ConfigError) as refusal:
        hall(**{key: value})

    assert f"key {key!r}: is {value!r}; allowed: an address" in str(refusal.value)
    assert allowed in str(refusal.value)


def test_no_web_client_is_another_thing_than_the_usual_one(hall):
    assert (hall().webchat, hall(webchat=False).webchat) == (None, "")
