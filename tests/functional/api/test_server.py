"""Waitress with the body limits of the ini files."""

import configparser
import http.client

import pytest
from webtest.http import StopableWSGIServer


@pytest.fixture(params=["development.ini", "production.ini"])
def served(request, root, tracker):
    """The host, port and body limit of a tracker behind waitress."""
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(root / request.param)
    max_bytes = ini.getint("server:tracker", "max_request_body_size")
    server = StopableWSGIServer.create(tracker.app, max_request_body_size=max_bytes)
    yield server.effective_host, server.effective_port, max_bytes
    server.shutdown()


def put_status(served, headers, chunks=()):
    """Send a PUT request, and return the status of the response."""
    host, port, _ = served
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.putrequest("PUT", "/api/v1/rooms/hall/endpoints/edge1")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for chunk in chunks:
            connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
    except (BrokenPipeError, ConnectionResetError):
        # The server has responded already.
        pass
    status = connection.getresponse().status
    connection.close()
    return status


def test_server_refuses_a_large_body_by_its_announced_length(served):
    assert put_status(served, {"Content-Length": str(served[2] + 1)}) == 413


def test_server_stops_reading_a_chunked_body_at_the_limit(served):
    endless = [b" " * 65536] * (served[2] // 65536 + 2)

    assert put_status(served, {"Transfer-Encoding": "chunked"}, endless) == 413
