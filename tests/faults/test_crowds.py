"""Half-open connections, slow readers, and ten thousand viewers that stay."""

import asyncio
import os
import resource
import socket
import time
from contextlib import ExitStack

import pytest
from functional.proxy.site import NAME

from .harmed import Harmed, now

SLOW = 500
MANY = int(os.environ.get("FAULTS_VIEWERS", "10000"))
ROUNDS = 2
BEGUN = f"GET /hall HTTP/1.1\r\nHost: {NAME}\r\nX-Slow: "
# The greatest answer there is, so that it does not fit into what the system keeps for a reader.
ASKED = f"GET /schedule.xml HTTP/1.1\r\nHost: {NAME}\r\n\r\n" * 40


@pytest.fixture(scope="module")
def crowded(tmp_path_factory, migrate):
    """A site whose nginx takes as many viewers as a machine for ten thousand must."""
    # When a page has just run out, whoever asks before it is made again takes a connection to
    # the app, too. Were there too few, nginx would take those of viewers that wait.
    connections = 19 * MANY // 10
    allow(connections + 500)
    site = Harmed(tmp_path_factory.mktemp("crowded"), connections=connections)
    migrate(site.database)
    yield site.start(frontends=2, trackers=1)
    site.end()


def allow(files):
    """Let this process and those that it starts have so many files open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        # Only root may.
        hard = files
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))


def connected(stack, port, text, *, window=0):
    """Open a connection that is never heard of again but for a text."""
    connection = stack.enter_context(socket.socket())
    if window:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    connection.sendall(text.encode())
    return connection


@pytest.mark.parametrize("through", ["nginx", "frontend", "tracker"])
@pytest.mark.parametrize("kind", ["half a request", "nothing read"])
def test_slow_ones_keep_nobody_from_the_pages(crowded, figures, through, kind):
    port = {
        "nginx": crowded.ports.site,
        "frontend": crowded.ports.frontend[0],
        "tracker": crowded.ports.tracker[0],
    }[through]
    text = BEGUN if kind == "half a request" else ASKED
    with ExitStack() as stack, crowded.loaded(20) as run:
        slow = [connected(stack, port, text, window=2048) for _ in range(SLOW)]
        moment = now()
        for _ in range(3):
            # A byte now and then.
            for connection in slow if kind == "half a request" else ():
                connection.sendall(b"a")
            run.viewers.wait_for(20)
        run.back(moment)
        # The worker itself, too, answers others.
        for app, at in crowded.workers:
            path = "/healthz" if app == "frontend" else "/tracker/healthz"
            assert crowded.get(path, port=at).status == 200
    run.pages_were_well()
    assert run.writers.away.total() == run.writers.cut_off == 0
    figures(f"{SLOW} slow connections to {through}: {kind}", **run.figures)


async def viewer(number, port, rounds, taken):
    """Look at a page a few times over one connection; note how long each look took."""
    # One address has 28,000 ports at most.
    own = f"127.0.1.{1 + number % 200}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(own, 0))
    try:
        for ready in rounds:
            await ready.wait()
            began = time.monotonic()
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
            taken.append((status, time.monotonic() - began))
    finally:
        writer.close()


async def crowd(port):
    """Connect everybody, then let all look at the same moment, several times."""
    rounds = [asyncio.Event() for _ in range(ROUNDS)]
    taken = []
    began = time.monotonic()
    waiting = []
    for number in range(MANY):
        waiting.append(asyncio.create_task(viewer(number, port, rounds, taken)))
        if number % 200 == 0:
            await asyncio.sleep(0)
    result = []
    for number, ready in enumerate(rounds, 1):
        began = time.monotonic()
        ready.set()
        while len(taken) < number * MANY:
            assert time.monotonic() < began + 60, len(taken)
            done = [task for task in waiting if task.done() and task.exception()]
            assert done == []
            await asyncio.sleep(0.05)
        result.append(time.monotonic() - began)
    await asyncio.gather(*waiting)
    return taken, result


def test_ten_thousand_viewers_stay_connected(crowded, figures):
    crowded.get("/hall")
    taken, rounds = asyncio.run(crowd(crowded.ports.site))

    assert {status for status, _ in taken} == {200}
    assert len(taken) == MANY * ROUNDS
    times = sorted(seconds for _, seconds in taken)
    figures(
        f"{MANY:,} viewers, each with a connection of its own that stays",
        pages=len(taken),
        pages_failed=0,
        slowest_page=round(times[-1], 2),
        median_page=round(times[len(times) // 2], 2),
        pages_a_second=round(MANY / rounds[-1]),
    )
