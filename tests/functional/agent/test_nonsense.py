"""Servers with invalid responses: nothing of them is reported, and the agent continues."""

import pytest

from .conftest import json_response, wait_until
from .fake_server import endless_response, raw_handler
from .sample_data import ACCEPTED, ICECAST, icecast_stats, received_reports

HTML = (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Log in</body></html>")
DEEP = b"<a>" * 100_000
TRUNCATED = b'<?xml version="1.0"?><icestats><source mount="/hall.webm"><listeners>3</lis'
BOMB = b'<!DOCTYPE a [<!ENTITY b "x"><!ENTITY c "&b;&b;">]><icestats>&c;</icestats>'


@raw_handler
def truncated_response(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    handler.wfile.write(b'{"icestats": ')
    handler.close_connection = True


class TestInvalidResponses:
    @pytest.mark.parametrize(
        ("password", "response", "line"),
        [
            ("", HTML, "the response is no JSON"),
            ("", (200, {}, b'{"icestats": {"source": [{"listenurl": "http://h/hall'), "no JSON"),
            ("", (200, {}, b'{"icestats": {"source": NaN}}'), "source is not finite, and no list"),
            ("", (200, {}, b'{"a":' * 100_000), "nested too deeply"),
            ("", (200, {}, b"[]"), "icestats is missing, or no object"),
            (
                "",
                json_response({"icestats": {"source": 3}}),
                "icestats.source is 3, and no list",
            ),
            ("", (200, {}, b""), "no JSON"),
            ("", (200, {}, b"x" * 10_000_000), "more than 2,097,152 bytes"),
            ("", (500, {}, b""), "500 Internal Server Error"),
            ("", (302, {"Location": "/login"}, b""), "302 Found"),
            ("", truncated_response, "closes the connection before the end of the response"),
            ("", icecast_stats(listeners=-3), "clients is -3, which is no number"),
            ("", icecast_stats(listeners=1e300), "clients is 1e"),
            ("password = p", HTML, "XML with a DOCTYPE, or HTML"),
            ("password = p", (200, {}, TRUNCATED), "the response is no XML"),
            ("password = p", (200, {}, DEEP), "XML that is nested too deeply"),
            ("password = p", (200, {}, BOMB), "XML with a DOCTYPE, or HTML"),
            ("password = p", (200, {}, b"\x00\xff" * 100), "the response is no XML"),
        ],
    )
    def test_invalid_response_is_one_line(self, fake_server, once, password, response, line):
        fake_server.responses = {
            "*": ACCEPTED,
            "/status-json.xsl": response,
            "/admin/stats": response,
        }
        sources = ICECAST.format(url=f"{fake_server.url}\n{password}")

        _, output = once(trackers=[fake_server.url], token="token = x", sources=sources)

        assert line in output
        assert received_reports(fake_server) == []

    def test_endless_response_is_aborted(self, fake_server, once):
        fake_server.responses = {
            "*": ACCEPTED,
            "/status-json.xsl": endless_response(fake_server.stopped, b" ", 0.05),
        }
        sources = ICECAST.format(url=fake_server.url)

        _, output = once(trackers=[fake_server.url], token="token = x", sources=sources)

        assert "the response takes too long" in output
        assert received_reports(fake_server) == []

    def test_missing_access_log_falls_back_to_the_count_of_the_server(self, fake_server, once):
        fake_server.responses = {"*": ACCEPTED, "/status-json.xsl": icecast_stats()}
        sources = ICECAST.format(url=f"{fake_server.url}\naccess.log = none.log")

        status, output = once(trackers=[fake_server.url], token="token = x", sources=sources)

        assert status == 0
        assert "icecast access.log: cannot be read: No such file" in output
        assert [report["clients"] for report in received_reports(fake_server)] == [4]

    def test_endpoint_survives_one_failure_and_is_removed_after_three(self, fake_server, agent):
        deregistrations = []

        def tracker(request):
            if request.method == "DELETE":
                deregistrations.append(request)
                return 204, {}, b""
            return ACCEPTED

        responses = iter(
            [icecast_stats(), HTML, icecast_stats(), icecast_stats(listeners=-1), icecast_stats()]
        )
        counts = []

        def icecast(request):
            counts.append(len(deregistrations))
            return next(responses, HTML)

        fake_server.responses = {"*": tracker, "/status-json.xsl": icecast}
        agent = agent(
            trackers=[fake_server.url],
            token="token = x",
            sources=ICECAST.format(url=fake_server.url),
        )

        wait_until(lambda: deregistrations, 60, "a deregistration")

        # A single failure keeps the endpoint; three in a row remove it.
        assert counts[:7] == [0] * 7
        assert {report["clients"] for report in received_reports(fake_server)} == {4}
        assert agent.process.poll() is None

    @pytest.mark.parametrize("response", [HTML, icecast_stats(listeners=-1)])
    def test_last_report_is_repeated_during_a_failure(self, fake_server, agent, response):
        # The tracker expects reports more often than the server is polled.
        accepted = json_response({"report_every": 1})
        responses = iter([icecast_stats()])
        fake_server.responses = {
            "*": lambda request: (204, {}, b"") if request.method == "DELETE" else accepted,
            "/status-json.xsl": lambda request: next(responses, response),
        }
        agent(
            trackers=[fake_server.url],
            token="token = x",
            sources=ICECAST.format(url=fake_server.url),
            interval=3,
        )
        wait_until(lambda: "DELETE" in methods(fake_server), 60, "a deregistration")

        requests = methods(fake_server)
        second_poll = [index for index, method in enumerate(requests) if method == "GET"][1]
        assert requests[second_poll:].count("PUT") >= 3
        assert {report["clients"] for report in received_reports(fake_server)} == {4}


def methods(fake_server):
    """The methods of requests to a fake server (GET) and tracker (PUT, DELETE)."""
    return [request.method for request in list(fake_server.requests)]
