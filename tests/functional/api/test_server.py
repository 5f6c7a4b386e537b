"""The server in front of the app, as the ini files set it up."""

import configparser
import http.client

import pytest
from webtest.http import StopableWSGIServer


@pytest.fixture(params=["development.ini", "production.ini"])
def served(request, root, tracker):
    """The address of the tracker, behind waitress with the body limit of an ini file."""
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(root / request.param)
    most = ini.getint("server:tracker", "max_request_body_size")
    server = StopableWSGIServer.create(tracker.app, max_request_body_size=most)
    yield server.effective_host, server.effective_port, most
    server.shutdown()


def answer(served, headers, chunks=()):
    """Put what may never end, and return the status that comes back."""
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
        # It has been answered already.
        pass
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_body_that_is_announced_as_too_large_is_not_waited_for(served):
    assert answer(served, {"Content-Length": str(served[2] + 1)}) == 413


def test_a_body_of_unknown_length_is_cut_off(served):
    endless = [b" " * 65536] * (served[2] // 65536 + 2)

    assert answer(served, {"Transfer-Encoding": "chunked"}, endless) == 413
