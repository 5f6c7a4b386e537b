"""Around the player: actions, chat, feedback, and posts about a room."""

import gzip
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import pytest

from .pages import HALL, make_talk, streams_document
from .test_frontend import dripping, text

HOSTILE = "</script><b>\"'<img src=x onerror=alert(1)>"
TAG = "/api/v1/timelines/tag/linuxconf?limit=20"


@pytest.fixture
def configure(tmp_path, conference):
    """Return a function that adds keys to the hall, and to all rooms."""

    def configure(default=None, **keys):
        path = tmp_path / "config.json"
        document = json.loads(path.read_text())
        document["default"] |= default or {}
        document["hall"] |= keys
        path.write_text(json.dumps(document))

    return configure


def links(page, scope=".links"):
    return {text(link): link["href"] for link in page.html.select(f"{scope} a")}


def frames(page):
    policy = page.headers["Content-Security-Policy"]
    parts = [part.split() for part in policy.split("; ")]
    return [origin for name, *origins in parts if name == "frame-src" for origin in origins]


class TestActions:
    def test_actions_show_talk_and_links(self, make_site, stub_tracker, configure):
        configure(posts="#linuxconf@mastodon.example", feedback="https://f.example/{room}/{talk}")
        stub_tracker.document = streams_document(hall=["webm_high"])

        row = make_site(**{"tracker.internal_url": stub_tracker.url}).get("/hall").html
        row = row.select_one(".under")

        assert text(row.select_one("h1")) == "Keynote & more"
        assert text(row.select_one(".speakers")) == "Ada, Bo"
        assert text(row.select_one(".left")) == "40 min left"
        actions = [text(action) for action in row.select(".action")]
        assert actions == [
            "Share",
            "Chat",
            "Schedule",
            "Theatre mode",
            "More",
            "Formats",
            "Posts",
            "Feedback: Keynote & more",
        ]

    def test_actions_work_without_javascript(self, make_site, configure):
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

    def test_room_without_chat_and_posts_has_no_such_actions(self, site):
        page = site.get("/tube")

        assert [text(a) for a in page.html.select(".room-actions .action")] == [
            "Share",
            "Theatre mode",
            "More",
        ]
        assert page.html.select(".pane") == []

    def test_viewers_at_venue_get_no_actions(self, site):
        page = site.get("/hall?template=inroom")

        assert page.html.select(".under, .pane") == []
        assert text(page.html.select_one("h1")) == "Keynote & more"
        assert frames(page) == []

    def test_room_page_is_small(self, make_site, configure, stub_tracker):
        """The compressed size of everything before the player's code."""
        configure(posts="#linuxconf@mastodon.example")
        stub_tracker.document = streams_document(hall=["webm_high"])
        site = make_site(**{"tracker.internal_url": stub_tracker.url})
        page = site.get("/hall")
        # Stylesheets first, then the imports of scripts.
        files = {link["href"] for link in page.html.select("link[rel=stylesheet]")}
        found = {script["src"] for script in page.html.select("script[src]")}
        while new := {path for path in found if "/player/" not in path} - files:
            files |= new
            for path in new:
                imports = re.findall(r'import\b.*? from "(.+?)";', site.get(path).text)
                found |= {urljoin(path, other) for other in imports}

        names = {path.rpartition("/")[2] for path in files}
        assert {"player.css", "theatre.js", "polled-fragment.js"} <= names
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
    def test_csp_allows_only_the_configured_chat_client(
        self, make_site, configure, keys, web, origin
    ):
        configure(**keys)
        site = make_site()

        page = site.get("/hall")

        assert page.html.select_one("[data-chat]")["data-chat"] == web
        assert links(page, "#pane-chat")["Open in a new window"] == web
        assert frames(page) == [origin]
        assert page.html.select("iframe") == []
        assert frames(site.get("/lab")) == []

    def test_web_client_can_be_disabled(self, make_site, configure):
        configure(webchat=False)

        page = make_site().get("/hall")

        assert frames(page) == page.html.select("[data-frame]") == []
        assert links(page, ".under")["Chat"] == "irc://irc.libera.chat/hall"
        assert page.html.select("#pane-chat, [data-opens=chat]") == []

    def test_matrix_room_is_linked(self, make_site, configure):
        configure(matrix="#hall:m.example", ircnetwork=False)

        page = make_site().get("/hall")

        assert links(page)["#hall:m.example on Matrix"] == "https://matrix.to/#/%23hall:m.example"
        assert links(page, ".under")["Chat"] == "https://matrix.to/#/%23hall:m.example"

    def test_hostile_chat_name_is_escaped(self, make_site, configure):
        configure(channel=f"#{HOSTILE}", ircnetwork="irc.example")

        page = make_site().get("/hall")

        assert "<img src=x" not in page.text
        assert f"#{HOSTILE} on irc.example" in links(page)

    @pytest.mark.parametrize(
        ("keys", "name", "address"),
        [
            (
                {"twitter": "#linuxconf"},
                "Posts about #linuxconf",
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
    def test_twitter_keys_are_linked(self, make_site, configure, keys, name, address):
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
    def test_feedback_link_shows_from_start_until_an_hour_after_end(
        self, make_site, clock, write_schedule, configure, local, about
    ):
        configure(default={"feedback": "mailto:team@e.example?subject={talk}"})
        write_schedule(make_talk("10:00", 60, "Moved"), make_talk("14:00", 60, "Later"))
        clock["now"] = datetime.fromisoformat(f"{local}+11:00").astimezone(UTC)

        found = links(make_site().get("/hall"), ".under").get("Feedback: Moved")

        assert found == (f"mailto:team@e.example?subject={about}" if about else None)

    def test_talk_page_links_feedback_after_start(self, make_site, clock, configure):
        configure(feedback="https://f.example/{room}?talk={talk}")
        site = make_site()
        clock["now"] = HALL[2].start
        shown = links(site.get("/talk/guid-Moved"))
        clock["now"] = HALL[1].start

        assert shown["Rate this talk"] == "https://f.example/hall?talk=guid-Moved"
        assert "Say what you think" not in site.get("/talk/guid-Moved").text


DAY = timedelta(days=1)


class TestFeedbackForm:
    def test_talk_has_a_form_from_its_start_until_30_days_after_its_end(
        self, make_site, clock, configure
    ):
        configure(default={"feedback": "internal"})
        site, talk = make_site(**{"tracker.url": "https://tracker.example.org/tracker"}), HALL[2]
        shown = []
        for now in (
            talk.start - timedelta(seconds=1),
            talk.start,
            talk.end + timedelta(days=30, seconds=-1),
            talk.end + timedelta(days=30),
        ):
            clock["now"] = now
            page = site.get("/talk/guid-Moved?lang=de")
            shown.append(bool(page.html.select("form.feedback")))
            assert "Say what you think" not in page.text
            if shown[-1]:
                form = page.html.select_one("form.feedback")
                # A reload would empty the form.
                assert "http-equiv" not in page.text
                policy = page.headers["Content-Security-Policy"]
                assert "form-action 'self' https://tracker.example.org;" in policy

        assert shown == [False, True, True, False]
        tracker = "https://tracker.example.org/tracker"
        assert form["action"] == f"{tracker}/talk/guid-Moved/feedback?lang=de"
        assert form["data-feedback"] == f"{tracker}/api/v1/talks/guid-Moved/feedback"
        assert [radio["value"] for radio in form.select("input[type=radio]")] == list("12345")
        assert form.select_one("textarea")["maxlength"] == "1000"

    def test_page_shows_the_result_of_a_form_in_its_language(self, make_site, clock, configure):
        configure(default={"feedback": "internal"})
        site = make_site()
        clock["now"] = HALL[2].start

        page = site.get("/talk/guid-Moved?feedback=sent&lang=es")
        assert page.html.select_one(".feedback-result").get_text() == (
            "Gracias por tu opinión. Para cambiarla, envíala otra vez."
        )
        clock["now"] = HALL[2].end + timedelta(days=31)
        late = site.get("/talk/guid-Moved?feedback=closed")
        assert "This talk is not open for feedback right now." in late.text
        assert "allowed: sent" in site.get("/talk/guid-Moved?feedback=x", status=400).text

    def test_room_has_the_form_as_long_as_the_link(self, make_site, clock, configure):
        configure(default={"feedback": "internal"})
        site = make_site()
        shown = []
        for now in (HALL[2].start, HALL[2].end + timedelta(minutes=59), HALL[2].end + DAY):
            clock["now"] = now
            forms = site.get("/hall").html.select(".room-actions details form.feedback")
            shown.append([form["action"] for form in forms])

        assert shown == [["/tracker/talk/guid-Moved/feedback"]] * 2 + [[]]

    def test_site_without_the_form_has_the_policy_it_had(self, make_site):
        page = make_site(**{"tracker.url": "https://tracker.example.org/tracker"}).get("/hall")

        assert "form-action 'self';" in page.headers["Content-Security-Policy"]


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
def mastodon(stub_tracker):
    """A stub of a Mastodon server."""
    stub_tracker.document = b"not found"
    return stub_tracker


@pytest.fixture
def posts(make_site, configure, mastodon):
    """Return a function that opens the page while the server has some statuses."""

    def posts(*statuses):
        mastodon.documents[TAG] = list(statuses)
        configure(posts={"server": mastodon.url, "hashtag": "linuxconf"})
        return make_site().get("/hall/posts")

    return posts


def shown(page):
    return [text(post.select_one(".post-text")) for post in page.html.select(".post")]


class TestPosts:
    def test_post_has_author_and_time(self, posts, mastodon):
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
            f"All posts on 127.0.0.1:{mastodon.server_port}": f"{mastodon.url}/tags/linuxconf"
        }

    def test_posts_page_loads_nothing_external(self, posts):
        picture = {"type": "image", "url": "https://files.example/1.png"}
        page = posts(
            status('<p>Look<img src="https://files.example/2.png"></p>',
                   media_attachments=[picture, picture])
        )  # fmt: skip

        assert "files.example" not in page.text
        assert text(page.html.select_one(".post-foot")) == "10:10 · 2 pictures or videos"

    def test_posts_are_public_originals_newest_first(self, posts):
        page = posts(
            status("older"),
            status("newer", created_at="2026-11-23T23:15:00.000Z"),
            status("a reply", in_reply_to_id="7"),
            status("a boost", reblog=status("boosted")),
            status("private", visibility="private"),
            status("limited", account=status("")["account"] | {"limited": True}),
        )

        assert shown(page) == ["newer", "older"]

    def test_post_with_content_warning_is_collapsed(self, posts):
        page = posts(
            status("about food", sensitive=True, spoiler_text="Food"),
            status("something", sensitive=True),
            status("open"),
        )

        folded = [text(details) for details in page.html.select("details:not([open])")]
        assert folded == ["Food about food", "Marked as sensitive something"]
        assert len(page.html.select(".post > .post-text")) == 1

    def test_hostile_post_is_sanitised(self, posts):
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
            status("x", spoiler_text=7), status("x", account="x"),
        ],
    )  # fmt: skip
    def test_invalid_post_is_skipped(self, posts, odd):
        assert shown(posts(odd, status("kept"))) == ["kept"]

    def test_invalid_attachments_hide_no_post(self, posts):
        assert shown(posts(status("x", media_attachments=7))) == ["x"]

    @pytest.mark.parametrize(
        "nonsense", [b"", b"<html>", b'{"error": "x"}', b"[" * 100_000, b'"' + b"x" * 3_000_000]
    )
    def test_invalid_timeline_shows_server_as_unavailable(
        self, make_site, configure, mastodon, nonsense
    ):
        configure(posts={"server": mastodon.url, "hashtag": "linuxconf"})
        mastodon.document = nonsense

        page = make_site().get("/hall/posts")

        assert text(page.html.select_one(".posts p")) == (
            f"127.0.0.1:{mastodon.server_port} is not responding right now. Retrying every minute."
        )

    def test_timeline_is_polled_once_for_viewers_and_rooms(self, make_site, configure, mastodon):
        mastodon.documents[TAG] = [status("one")]
        configure(default={"posts": f"#linuxconf@{mastodon.url}"})
        site = make_site()

        for _ in range(10):
            assert shown(site.get("/hall/posts")) == shown(site.get("/lab/posts")) == ["one"]

        assert mastodon.request_count == 1

    def test_other_threads_do_not_wait_for_timeline_poll(self, make_site, configure, mastodon):
        mastodon.documents[TAG] = [status("one")]
        configure(posts=f"#linuxconf@{mastodon.url}")
        site = make_site()
        mastodon.can_respond.clear()
        first = threading.Thread(target=site.get, args=("/hall/posts",))
        first.start()
        assert mastodon.request_received.wait(5)

        meanwhile = site.get("/hall/posts")
        assert first.is_alive()
        mastodon.can_respond.set()
        first.join()

        assert "is not responding right now" in meanwhile.text
        assert shown(site.get("/hall/posts")) == ["one"]

    def test_slowly_dripping_mastodon_server_times_out(self, make_site, configure):
        with dripping() as url:
            configure(posts=f"#linuxconf@{url}")

            assert "is not responding right now" in make_site().get("/hall/posts").text

    def test_empty_timeline_shows_notice(self, posts):
        assert "No posts with #linuxconf yet." in posts().text

    def test_posts_page_has_max_age_and_etag(self, make_site, configure, mastodon):
        mastodon.documents[TAG] = [status("one")]
        configure(posts=f"#linuxconf@{mastodon.url}")
        site = make_site()

        response = site.get("/hall/posts")

        assert "max-age=1," in response.headers["Cache-Control"]
        again = site.get("/hall/posts", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status_int == 304
        assert response.html.select_one("meta[name=robots]")["content"] == "noindex"

    def test_posts_page_of_room_without_hashtag_is_404(self, site):
        page = site.get("/lab/posts", status=404)

        assert "Lab has no posts." in text(page.html.select_one(".state"))
