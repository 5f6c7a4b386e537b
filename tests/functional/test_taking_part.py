"""What surrounds the player: the row of actions, the chat, feedback, and posts about a room."""

import gzip
import json
import re
import threading
from datetime import UTC, datetime
from urllib.parse import urljoin

import pytest

from .pages import HALL, event, told
from .test_frontend import dripping, text

HOSTILE = "</script><b>\"'<img src=x onerror=alert(1)>"
TAG = "/api/v1/timelines/tag/linuxconf?limit=20"


@pytest.fixture
def configure(tmp_path, conference):
    """Return a function that gives the hall, and all rooms, more keys."""

    def configure(default=None, **keys):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        document["default"] |= default or {}
        document["hall"] |= keys
        path.write_text(json.dumps(document))

    return configure


def links(page, within=".links"):
    return {text(link): link["href"] for link in page.html.select(f"{within} a")}


def frames(page):
    policy = page.headers["Content-Security-Policy"]
    parts = [part.split() for part in policy.split("; ")]
    return [origin for name, *origins in parts if name == "frame-src" for origin in origins]


class TestRow:
    def test_it_says_what_is_on_and_what_one_can_do(self, make_site, tracker_says, configure):
        configure(posts="#linuxconf@mastodon.example", feedback="https://f.example/{room}/{talk}")
        tracker_says.says = told(hall=["webm_high"])

        row = make_site(**{"tracker.internal_url": tracker_says.url}).get("/hall").html
        row = row.select_one(".under")

        assert text(row.select_one("h1")) == "Keynote & more"
        assert text(row.select_one(".speakers")) == "Ada, Bo"
        assert text(row.select_one(".left")) == "40 min left"
        actions = [text(action) for action in row.select(".action")]
        assert actions == [
            "Share",
            "Formats",
            "Chat",
            "Posts",
            "Schedule",
            "Theatre",
            "Feedback: Keynote & more",
        ]

    def test_without_javascript_all_of_it_leads_somewhere(self, make_site, configure):
        configure(posts="#linuxconf@mastodon.example", feedback="https://f.example/{room}")

        page = make_site().get("/hall")

        assert links(page, ".under") == {
            "Chat": "https://web.libera.chat/#hall",
            "Posts": "/hall/posts",
            "Schedule": "/hall/schedule",
            "Feedback: Keynote & more": "https://f.example/hall",
        }
        assert [pane.has_attr("hidden") for pane in page.html.select(".pane")] == [True] * 3
        assert page.html.select_one("[data-theatre]").has_attr("hidden")

    def test_a_room_without_anything_of_it_offers_nothing_of_it(self, site):
        page = site.get("/tube")

        assert [text(a) for a in page.html.select(".room-actions .action")] == ["Share", "Theatre"]
        assert page.html.select(".pane") == []

    def test_viewers_at_the_venue_get_no_row(self, site):
        page = site.get("/hall?template=inroom")

        assert page.html.select(".under, .pane") == []
        assert text(page.html.select_one("h1")) == "Keynote & more"
        assert frames(page) == []

    def test_a_page_is_small(self, make_site, configure, tracker_says):
        """All that a browser needs before the player's own code, compressed."""
        configure(posts="#linuxconf@mastodon.example")
        tracker_says.says = told(hall=["webm_high"])
        site = make_site(**{"tracker.internal_url": tracker_says.url})
        page = site.get("/hall")
        # Stylesheets first, then whatever scripts bring along.
        files = {link["href"] for link in page.html.select("link[rel=stylesheet]")}
        found = {script["src"] for script in page.html.select("script[src]")}
        while new := {path for path in found if "/player/" not in path} - files:
            files |= new
            for path in new:
                imports = re.findall(r'import\b.*? from "(.+?)";', site.get(path).text)
                found |= {urljoin(path, other) for other in imports}

        names = {path.rpartition("/")[2] for path in files}
        assert {"room.css", "theatre.js", "polled-fragment.js"} <= names
        sizes = [len(gzip.compress(site.get(path).body)) for path in ("/hall", *files)]
        assert sum(sizes) < 60_000


class TestChat:
    @pytest.mark.parametrize(
        ("keys", "web", "origin"),
        [
            ({}, "https://web.libera.chat/#hall", "https://web.libera.chat"),
            (
                {"ircnetwork": "irc.hackint.org", "channel": "#c++"},
                "https://webirc.hackint.org/#irc://irc.hackint.org/#c%2B%2B",
                "https://webirc.hackint.org",
            ),
            (
                {"ircnetwork": "irc.oftc.net"},
                "https://webchat.oftc.net/?channels=hall",
                "https://webchat.oftc.net",
            ),
            (
                {"ircnetwork": "irc.notlibera.chat"},
                "https://kiwiirc.com/nextclient/irc.notlibera.chat/#hall",
                "https://kiwiirc.com",
            ),
            (
                {"webchat": "https://irc.example:8443/{network}/?join={channel}"},
                "https://irc.example:8443/irc.libera.chat/?join=hall",
                "https://irc.example:8443",
            ),
            (
                {"chat": "https://chat.example/r/{room}/{matrix}", "matrix": "#a&b:m.example"},
                "https://chat.example/r/hall/%23a%26b%3Am.example",
                "https://chat.example",
            ),
        ],
    )
    def test_its_page_may_frame_that_client_and_no_other(
        self, make_site, configure, keys, web, origin
    ):
        configure(**keys)
        site = make_site()

        page = site.get("/hall")

        assert page.html.select_one("[data-chat]")["data-chat"] == web
        assert links(page, "#pane-chat")["Open in its own window"] == web
        assert frames(page) == [origin]
        assert page.html.select("iframe") == []
        assert frames(site.get("/lab")) == []

    def test_a_web_client_can_be_refused(self, make_site, configure):
        configure(webchat=False)

        page = make_site().get("/hall")

        assert frames(page) == page.html.select("[data-frame]") == []
        assert links(page, ".under")["Chat"] == "irc://irc.libera.chat/hall"
        assert page.html.select("#pane-chat, [data-opens=chat]") == []

    def test_a_matrix_room_is_linked(self, make_site, configure):
        configure(matrix="#hall:m.example", ircnetwork=False)

        page = make_site().get("/hall")

        assert links(page)["#hall:m.example on Matrix"] == "https://matrix.to/#/%23hall:m.example"
        assert links(page, ".under")["Chat"] == "https://matrix.to/#/%23hall:m.example"

    def test_a_hostile_name_stays_text(self, make_site, configure):
        configure(channel=f"#{HOSTILE}", ircnetwork="irc.example")

        page = make_site().get("/hall")

        assert "<img src=x" not in page.text
        assert f"#{HOSTILE} on irc.example" in links(page)

    @pytest.mark.parametrize(
        ("keys", "name", "address"),
        [
            (
                {"twitter": "#linuxconf"},
                "What people say: #linuxconf",
                "https://twitter.com/search?q=%23linuxconf",
            ),
            (
                {"twitter": "#linuxconf", "posts": "https://mastodon.example"},
                "Posts with #linuxconf",
                "/hall/posts",
            ),
            (
                {"twitter_announce": "@linuxconf"},
                "Announcements: @linuxconf",
                "https://twitter.com/linuxconf",
            ),
            (
                {"twitter_announce": "@linuxconf@mastodon.example"},
                "Announcements: @linuxconf@mastodon.example",
                "https://mastodon.example/@linuxconf",
            ),
        ],
    )
    def test_the_keys_of_twitter_keep_their_place(self, make_site, configure, keys, name, address):
        configure(**keys)

        assert links(make_site().get("/hall"))[name] == address


class TestFeedback:
    @pytest.mark.parametrize(
        ("local", "about"),
        [
            ("2026-11-24T09:50", None),
            ("2026-11-24T10:30", "guid-Moved"),
            ("2026-11-24T11:20", "guid-Moved"),
            ("2026-11-24T12:40", None),
        ],
    )
    def test_it_is_asked_for_from_a_talks_start_until_an_hour_after_it(
        self, make_site, clock, plan, configure, local, about
    ):
        configure(default={"feedback": "mailto:team@e.example?subject={talk}"})
        plan(event("10:00", 60, "Moved"), event("14:00", 60, "Later"))
        clock["now"] = datetime.fromisoformat(f"{local}+11:00").astimezone(UTC)

        found = links(make_site().get("/hall"), ".under").get("Feedback: Moved")

        assert found == (f"mailto:team@e.example?subject={about}" if about else None)

    def test_the_page_of_a_talk_asks_for_it_once_it_has_begun(self, make_site, clock, configure):
        configure(feedback="https://f.example/{room}?talk={talk}")
        site = make_site()
        clock["now"] = HALL[2].start
        shown = links(site.get("/talk/guid-Moved"))
        clock["now"] = HALL[1].start

        assert shown["Say what you think of this talk"] == "https://f.example/hall?talk=guid-Moved"
        assert "Say what you think" not in site.get("/talk/guid-Moved").text


def status(content, **more):
    """Return a status as https://docs.joinmastodon.org/entities/Status/ describes it."""
    return {
        "id": "1",
        "created_at": "2026-11-23T23:10:00.000Z",
        "in_reply_to_id": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": "en",
        "uri": "https://mastodon.example/users/ada/statuses/1",
        "url": "https://mastodon.example/@ada/1",
        "content": content,
        "reblog": None,
        "media_attachments": [],
        "account": {
            "username": "ada",
            "acct": "ada",
            "display_name": "Ada",
            "avatar": "https://files.example/avatar.png",
        },
        **more,
    }


@pytest.fixture
def mastodon(tracker_says):
    """A real server that speaks as Mastodon does."""
    tracker_says.says = b"not what is asked for"
    return tracker_says


@pytest.fixture
def posts(make_site, configure, mastodon):
    """Return a function that opens the page while the server says some statuses."""

    def posts(*statuses):
        mastodon.of[TAG] = list(statuses)
        configure(posts={"server": mastodon.url, "hashtag": "linuxconf"})
        return make_site().get("/hall/posts")

    return posts


def shown(page):
    return [text(post.select_one(".post-text")) for post in page.html.select(".post")]


class TestPosts:
    def test_a_post_is_shown_with_who_wrote_it_and_when(self, posts, mastodon):
        page = posts(status('<p>At <a href="https://e.example/x" class="u">#linuxconf</a></p>'))

        [post] = page.html.select(".post")
        assert text(post.select_one(".post-head")) == f"Ada @ada@127.0.0.1:{mastodon.server_port}"
        assert str(post.select_one(".post-text p")) == (
            '<p>At <a href="https://e.example/x" rel="noopener noreferrer nofollow">'
            "#linuxconf</a></p>"
        )
        link = post.select_one(".post-foot a")
        assert (text(link), link["href"]) == ("10:10", "https://mastodon.example/@ada/1")
        assert links(page, ".post-source") == {
            f"All of them on 127.0.0.1:{mastodon.server_port}": f"{mastodon.url}/tags/linuxconf"
        }

    def test_nobody_elses_server_is_asked_for_anything(self, posts):
        picture = {"type": "image", "url": "https://files.example/1.png"}
        page = posts(
            status('<p>Look<img src="https://files.example/2.png"></p>',
                   media_attachments=[picture, picture])
        )  # fmt: skip

        assert "files.example" not in page.text
        assert text(page.html.select_one(".post-foot")) == "10:10 · 2 pictures or videos"

    def test_newest_first_without_replies_boosts_and_what_is_not_public(self, posts):
        page = posts(
            status("older"),
            status("newer", created_at="2026-11-23T23:15:00.000Z"),
            status("a reply", in_reply_to_id="7"),
            status("a boost", reblog=status("boosted")),
            status("private", visibility="private"),
            status("limited", account=status("")["account"] | {"limited": True}),
        )

        assert shown(page) == ["newer", "older"]

    def test_what_its_author_warns_of_is_folded(self, posts):
        page = posts(
            status("about food", sensitive=True, spoiler_text="Food"),
            status("something", sensitive=True),
            status("open"),
        )

        folded = [text(details) for details in page.html.select("details:not([open])")]
        assert folded == ["Food about food", "Its author calls this sensitive something"]
        assert len(page.html.select(".post > .post-text")) == 1

    def test_a_hostile_post_is_harmless(self, posts):
        page = posts(
            status(
                HOSTILE
                + '<script>alert(1)</script><a href="javascript:alert(1)" onclick="x()">go</a>'
                + '<iframe src="https://evil.example"></iframe><style>*{}</style>\u202etxt'
                + "<blockquote>" * 3000,
                spoiler_text=HOSTILE,
                language='en" onload="x',
                url="javascript:alert(1)",
                uri="data:text/html,x",
                account={"username": HOSTILE, "acct": HOSTILE, "display_name": HOSTILE},
            )
        )

        [post] = page.html.select(".post")
        assert text(post.select_one("summary")) == HOSTILE
        assert text(post.select_one("strong")) == HOSTILE
        assert page.html.select("main img, main script, main iframe, main style") == []
        given = {name for element in page.html.select("main *") for name in element.attrs}
        assert not [name for name in given if name.startswith("on")]
        for word in ("javascript:", "data:text", "evil.example", "\u202e"):
            assert word not in page.text

    @pytest.mark.parametrize(
        "odd",
        [
            {}, None, 7, "text", [], status("x", account=None), status("x", created_at="soon"),
            status("x", created_at="2026-11-23T23:10:00"), status("x", account={"acct": {}}),
            status("x", created_at="9999-12-31T23:59:59Z"), status(None), status(["x"]),
            status("x", media_attachments=7), status("x", spoiler_text=7), status("x", account="x"),
        ],
    )  # fmt: skip
    def test_a_post_that_nobody_understands_takes_none_of_the_others_away(self, posts, odd):
        assert shown(posts(odd, status("kept"))) == ["kept"]

    @pytest.mark.parametrize(
        "nonsense", [b"", b"<html>", b'{"error": "x"}', b"[" * 100_000, b'"' + b"x" * 3_000_000]
    )
    def test_a_server_that_talks_nonsense_is_said_not_to_answer(
        self, make_site, configure, mastodon, nonsense
    ):
        configure(posts={"server": mastodon.url, "hashtag": "linuxconf"})
        mastodon.says = nonsense

        page = make_site().get("/hall/posts")

        assert text(page.html.select_one(".posts p")) == (
            f"127.0.0.1:{mastodon.server_port} does not answer at the moment. "
            "It is asked again every minute."
        )

    def test_it_is_asked_once_for_many_viewers_and_rooms(self, make_site, configure, mastodon):
        mastodon.of[TAG] = [status("one")]
        configure(default={"posts": f"#linuxconf@{mastodon.url}"})
        site = make_site()

        for _ in range(10):
            assert shown(site.get("/hall/posts")) == shown(site.get("/lab/posts")) == ["one"]

        assert mastodon.asked == 1

    def test_nobody_waits_for_the_viewer_who_asks(self, make_site, configure, mastodon):
        mastodon.of[TAG] = [status("one")]
        configure(posts=f"#linuxconf@{mastodon.url}")
        site = make_site()
        mastodon.answers.clear()
        first = threading.Thread(target=site.get, args=("/hall/posts",))
        first.start()
        assert mastodon.was_asked.wait(5)

        meanwhile = site.get("/hall/posts")
        assert first.is_alive()
        mastodon.answers.set()
        first.join()

        assert "does not answer at the moment" in meanwhile.text
        assert shown(site.get("/hall/posts")) == ["one"]

    def test_a_server_that_sends_drop_by_drop_is_given_up(self, make_site, configure):
        with dripping() as url:
            configure(posts=f"#linuxconf@{url}")

            assert "does not answer at the moment" in make_site().get("/hall/posts").text

    def test_without_posts_it_says_so(self, posts):
        assert "Nobody has posted anything with #linuxconf yet." in posts().text

    def test_it_may_be_kept_and_need_not_be_sent_twice(self, make_site, configure, mastodon):
        mastodon.of[TAG] = [status("one")]
        configure(posts=f"#linuxconf@{mastodon.url}")
        site = make_site()

        answer = site.get("/hall/posts")

        assert "max-age=1," in answer.headers["Cache-Control"]
        again = site.get("/hall/posts", headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status_int == 304
        assert answer.html.select_one("meta[name=robots]")["content"] == "noindex"

    def test_a_room_without_has_no_such_page(self, site):
        page = site.get("/lab/posts", status=404)

        assert "Lab has no posts." in text(page.html.select_one(".notice"))
