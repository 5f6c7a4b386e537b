"""Servers that say nonsense: none of it is registered, and the agent goes on."""

import pytest

from .conftest import json_response, wait_until
from .said import ACCEPTED, ICECAST, icecast_stats, received_reports
from .standin import endless_response, raw_handler

HTML = (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Log in</body></html>")
DEEP = b"<a>" * 100_000
TRUNCATED = b'<?xml version="1.0"?><icestats><source mount="/hall.webm"><listeners>3</lis'
BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><icestats>&c;</icestats>'


@raw_handler
def hang_up(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    handler.wfile.write(b'{"icestats": ')
    handler.close_connection = True


class TestAServerSaysNonsense:
    """What it says is not registered, and what was registered goes after a while."""

    @pytest.mark.parametrize(
        ("password", "answer", "line"),
        [
            ("", HTML, "the response is no JSON"),
            ("", (200, {}, b'{"icestats": {"source": [{"listenurl": "http://h/hall'), "no JSON"),
            ("", (200, {}, b'{"icestats": {"source": NaN}}'), "NaN is no number"),
            ("", (200, {}, b'{"a":' * 100_000), "nested too deeply"),
            ("", (200, {}, b"[]"), "the response is missing, or no object"),
            (
                "",
                json_response({"icestats": {"source": 3}}),
                "an item of source is missing, or no object",
            ),
            ("", (200, {}, b""), "no JSON"),
            ("", (200, {}, b"x" * 10_000_000), "more than 2,097,152 bytes"),
            ("", (500, {}, b""), "500 Internal Server Error"),
            ("", (302, {"Location": "/login"}, b""), "302 Found"),
            ("", hang_up, "cannot be read"),
            ("", icecast_stats(listeners=-3), "clients is -3, which is no number"),
            ("", icecast_stats(listeners=1e300), "clients is 1e"),
            ("password = p", HTML, "XML with a DOCTYPE, or HTML"),
            ("password = p", (200, {}, TRUNCATED), "the response is no XML"),
            ("password = p", (200, {}, DEEP), "XML that is nested too deeply"),
            ("password = p", (200, {}, BOMB), "XML with a DOCTYPE, or HTML"),
            ("password = p", (200, {}, b"\x00\xff" * 100), "the response is no XML"),
        ],
    )
    def test_it_is_told_in_one_line(self, stand_in, once, password, answer, line):
        stand_in.says = {"*": ACCEPTED, "/status-json.xsl": answer, "/admin/stats": answer}
        sources = ICECAST.format(url=f"{stand_in.url}\n{password}")

        _, said = once(trackers=[stand_in.url], token="token = x", sources=sources)

        assert line in said
        assert received_reports(stand_in) == []

    def test_an_answer_without_an_end_is_left(self, stand_in, once):
        stand_in.says = {
            "*": ACCEPTED,
            "/status-json.xsl": endless_response(stand_in.over, b" ", 0.05),
        }
        sources = ICECAST.format(url=stand_in.url)

        _, said = once(trackers=[stand_in.url], token="token = x", sources=sources)

        assert "the response takes too long" in said
        assert received_reports(stand_in) == []

    def test_an_access_log_that_is_not_there_leaves_the_server_s_word(self, stand_in, once):
        stand_in.says = {"*": ACCEPTED, "/status-json.xsl": icecast_stats()}
        sources = ICECAST.format(url=f"{stand_in.url}\naccess.log = none.log")

        status, said = once(trackers=[stand_in.url], token="token = x", sources=sources)

        assert status == 0
        assert "icecast access.log: cannot be read: No such file" in said
        assert [report["clients"] for report in received_reports(stand_in)] == [4]

    def test_a_server_that_stumbles_keeps_its_viewers_and_one_that_falls_loses_them(
        self, stand_in, agent
    ):
        goodbyes = []

        def tracker(asked):
            if asked.method == "DELETE":
                goodbyes.append(asked)
                return 204, {}, b""
            return ACCEPTED

        answers = iter(
            [icecast_stats(), HTML, icecast_stats(), icecast_stats(listeners=-1), icecast_stats()]
        )
        rounds = []

        def icecast(asked):
            rounds.append(len(goodbyes))
            return next(answers, HTML)

        stand_in.says = {"*": tracker, "/status-json.xsl": icecast}
        agent = agent(
            trackers=[stand_in.url], token="token = x", sources=ICECAST.format(url=stand_in.url)
        )

        wait_until(lambda: goodbyes, 60, "goodbye")

        # Not when it stumbled; only when it was down for three rounds.
        assert rounds[:7] == [0] * 7
        assert {report["clients"] for report in received_reports(stand_in)} == {4}
        assert agent.process.poll() is None

    @pytest.mark.parametrize("answer", [HTML, icecast_stats(listeners=-1)])
    def test_while_it_stumbles_the_tracker_is_told_what_it_was_told_last(
        self, stand_in, agent, answer
    ):
        # The tracker wants to hear more often than the server is looked at.
        taken = json_response({"report_every": 1})
        looks = iter([icecast_stats()])
        stand_in.says = {
            "*": lambda asked: (204, {}, b"") if asked.method == "DELETE" else taken,
            "/status-json.xsl": lambda asked: next(looks, answer),
        }
        agent(
            trackers=[stand_in.url],
            token="token = x",
            sources=ICECAST.format(url=stand_in.url),
            interval=3,
        )
        wait_until(lambda: "DELETE" in methods(stand_in), 60, "goodbye")

        heard = methods(stand_in)
        second = [index for index, method in enumerate(heard) if method == "GET"][1]
        assert heard[second:].count("PUT") >= 3
        assert {report["clients"] for report in received_reports(stand_in)} == {4}


def methods(stand_in):
    """How a stand-in was asked: as a server (GET) and as a tracker (PUT, DELETE)."""
    return [asked.method for asked in list(stand_in.asked)]
