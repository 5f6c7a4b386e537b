"""The keys of chats, posts and feedback forms."""

import json

import pytest

from streaming_system import config
from streaming_system.config import MastodonFeed

SERVER = "https://mastodon.example"


@pytest.fixture
def hall(tmp_path):
    """Return a function that loads a room with some keys."""

    def hall(**keys):
        (tmp_path / "config.json").write_text(json.dumps({"hall": keys}))
        return config.load_conference(tmp_path / "config.json", tmp_path / "none.json").rooms[
            "hall"
        ]

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
def test_posts_accept_several_formats_of_server_and_hashtag(hall, keys, server, hashtag):
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
def test_invalid_server_of_posts_is_rejected(hall, posts):
    with pytest.raises(config.ConfigError, match=r"key 'posts': is .*; allowed: \{\"server\""):
        hall(posts=posts)


def test_posts_without_hashtag_are_rejected(hall):
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
def test_invalid_url_template_is_rejected(hall, key, value, allowed):
    with pytest.raises(config.ConfigError) as error:
        hall(**{key: value})

    assert f"key {key!r}: is {value!r}; allowed: an address" in str(error.value)
    assert allowed in str(error.value)


def test_false_webchat_differs_from_omitted_webchat(hall):
    assert (hall().webchat, hall(webchat=False).webchat) == (None, "")
