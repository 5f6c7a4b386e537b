"""Unfinished requests, slow readers, and ten thousand persistent connections."""

import asyncio
import os
import resource
import socket
import time
from contextlib import ExitStack

import pytest
from functional.proxy.site import NAME

from .site_under_fault import SiteUnderFault, now

SLOW_CONNECTIONS = 500
VIEWERS = int(os.environ.get("FAULTS_VIEWERS", "10000"))
ROUNDS = 2
UNFINISHED_REQUEST = f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: "
# The largest responses, which exceed the socket buffers.
LARGE_REQUESTS = f"GET /schedule.xml HTTP/1.1\r\nHost: {NAME}\r\n\r\n" * 40


@pytest.fixture(scope="module")
def crowded(tmp_path_factory, migrate):
    """A site whose nginx accepts enough connections for all viewers."""
    # A viewer of an expired page also needs a connection to the app. If there are too few, nginx
    # closes connections of idle viewers.
    connections = 19 * VIEWERS // 10
    raise_file_limit(connections + 500)
    site = SiteUnderFault(tmp_path_factory.mktemp("crowded"), connections=connections)
    migrate(site.database)
    yield site.start(frontends=2, trackers=1)
    site.close()


def raise_file_limit(files):
    """Raise the limit of open files of this process and its children."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        # This needs root.
        hard = files
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def connect(stack, port, text, *, window=0):
    """Open a connection, and send a text without reading the response."""
    connection = stack.enter_context(socket.socket())
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    connection.sendall(text.encode())
    return connection


@pytest.mark.parametrize("through", ["nginx", "frontend", "tracker"])
@pytest.mark.parametrize("kind", ["half a request", "nothing read"])
def test_slow_connections_do_not_block_pages(crowded, record_result, through, kind):
    port = {
        "nginx": crowded.ports.site,
        "frontend": crowded.ports.frontend[0],
        "tracker": crowded.ports.tracker[0],
    }[through]
    text = UNFINISHED_REQUEST if kind == "half a request" else LARGE_REQUESTS
    with ExitStack() as stack, crowded.loaded(20) as run:
        slow = [connect(stack, port, text, window=2048) for _ in range(SLOW_CONNECTIONS)]
        recovery_start = now()
        for _ in range(3):
            # One more byte.
            for connection in slow if kind == "half a request" else ():
                connection.sendall(b"a")
            run.viewers.wait_for(20)
        run.wait_for_recovery(recovery_start)
        # Each worker responds to other requests.
        for app, at in crowded.workers:
            path = "/healthz" if app == "frontend" else "/tracker/healthz"
            assert crowded.get(path, port=at).status == 200
    run.expect_no_failed_pages()
    assert run.writers.unavailable.total() == run.writers.cut_off == 0
    record_result(f"{SLOW_CONNECTIONS} slow connections to {through}: {kind}", **run.metrics)


async def viewer(number, port, rounds, responses):
    """Request a page once per round over one connection; record the status and the seconds."""
    # An address has at most 28,000 ports.
    address = f"127.0.1.{1 + number % 200}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        for ready in rounds:
            await ready.wait()
            start = time.monotonic()
            writer.write(f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            status = int(head.split()[1])
            if b"content-length: " in head:
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            else:
                while size := int(await reader.readline(), 16):
                    await reader.readexactly(size + 2)
                await reader.readline()
            responses.append((status, time.monotonic() - start))
    finally:
        writer.close()


async def crowd(port):
    """Connect all viewers, then let them request a page at the same time, once per round."""
    rounds = [asyncio.Event() for _ in range(ROUNDS)]
    responses = []
    tasks = []
    for number in range(VIEWERS):
        tasks.append(asyncio.create_task(viewer(number, port, rounds, responses)))
        if number % 200 == 0:
            await asyncio.sleep(0)
    durations = []
    for number, ready in enumerate(rounds, 1):
        start = time.monotonic()
        ready.set()
        while len(responses) < number * VIEWERS:
            assert time.monotonic() < start + 60, len(responses)
            failed = [task for task in tasks if task.done() and task.exception()]
            assert failed == []
            await asyncio.sleep(0.05)
        durations.append(time.monotonic() - start)
    await asyncio.gather(*tasks)
    return responses, durations


def test_ten_thousand_viewers_stay_connected(crowded, record_result):
    crowded.get("/hall")
    responses, durations = asyncio.run(crowd(crowded.ports.site))

    assert {status for status, _ in responses} == {200}
    assert len(responses) == VIEWERS * ROUNDS
    times = sorted(seconds for _, seconds in responses)
    record_result(
        f"{VIEWERS:,} viewers, each with a connection of its own that stays",
        pages=len(responses),
        pages_failed=0,
        slowest_page=round(times[-1], 2),
        median_page=round(times[len(times) // 2], 2),
        pages_a_second=round(VIEWERS / durations[-1]),
    )
