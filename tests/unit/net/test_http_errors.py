"""Descriptions of failed HTTP requests."""

import http.client
import socket
import threading

import pytest
import urllib3

from streaming_system.net.http_errors import describe_http_error


@pytest.fixture
def server():
    """Return a function that starts a server with one response, and returns its URL."""
    listeners = []

    def server(response):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(response)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield server
    for listener in listeners:
        listener.close()


def describe_failure(url):
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        with pytest.raises((urllib3.exceptions.HTTPError, ValueError)) as error:
            pool.request("GET", url)
        return describe_http_error(error.value)


@pytest.mark.parametrize(
    ("response", "line"),
    [
        (b"", "closes the connection before the end of the response"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "does not respond in HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
            "closes the connection before the end of the response",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\nxxxxxxxxxx",
            "responds in an invalid content encoding",
        ),
    ],
)
def test_broken_response_is_described(server, response, line):
    assert describe_failure(server(response)) == line


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("http://127.0.0.1:9/", "cannot be reached: connection refused"),
        ("http://no-such-host.invalid/", "cannot be reached: unknown host name"),
        ("http://[::1", "cannot be reached: invalid address"),
        ("gopher://x/", "cannot be reached: invalid address"),
    ],
)
def test_unreachable_server_is_described(url, line):
    assert describe_failure(url) == line


def test_texts_of_exceptions_are_not_passed_on():
    error = urllib3.exceptions.ProtocolError("Connection aborted.", http.client.BadStatusLine("x"))

    assert describe_http_error(error) == "does not respond in HTTP"
    assert describe_http_error(ValueError("secret")) == (
        "closes the connection before the end of the response"
    )
