"""The tracker away; no room on the disk; clocks that jump."""

import resource
import time
from datetime import UTC, datetime

import pytest
from programs import require

from .harmed import PATIENCE, Harmed, now

HOUR = 3600
MIB = 2**20


def test_the_tracker_is_gone(harmed, figures):
    with harmed.loaded() as run:
        harmed.kill("tracker")
        run.writers.wait_until_away()
        seen = run.viewers.seen
        run.viewers.wait_for(100)
        assert run.viewers.seen >= seen + 100
        moment = now()
        for port in harmed.ports.tracker:
            harmed.start_worker("tracker", port)
        run.back(moment)
        for port in harmed.ports.tracker:
            harmed.wait_for_worker("tracker", port)
    run.pages_were_well()
    assert all("pages do not show its data" in line["message"] for line in run.by_app["frontend"])
    assert len(run.by_app["frontend"]) <= 2 * len(harmed.ports.frontend)
    figures("Tracker gone, then started", **run.figures)


def no_room(program, size):
    """Let a process write no further in any file than so many bytes; return what was so before."""
    limits = resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    return limits


def room(program, limits):
    resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, limits)


def test_there_is_no_room_for_logs(harmed, figures):
    # Those of endpoints are what has grown: the workers may still say what is wrong.
    folder = harmed.folder / "var/endpoint-logs/hall"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "127.0.0.1.log").open("ab") as file:
        file.write(b"# a long day\n" * (MIB // 12))
    workers = [harmed.workers["tracker", port] for port in harmed.ports.tracker]
    with harmed.loaded() as run:
        before = [no_room(worker, MIB) for worker in workers]
        run.writers.wait_for_refusals("logs", 20)
        # Nothing else needs the disk.
        run.writers.wait_for(40)
        assert set(run.writers.away) == {"logs"}
        for worker, limits in zip(workers, before, strict=True):
            room(worker, limits)
        run.back(now())
    run.pages_were_well()
    run.said("writing access logs failed: [Errno 27] File too large")
    assert run.figures["most_lines"] == 2
    figures("Disk full for endpoints' logs", **run.figures)


@pytest.fixture
def small(tmp_path, migrate):
    """A site of one worker each, on SQLite."""
    site = Harmed(tmp_path)
    migrate(site.database)
    yield site.start(frontends=1, trackers=1)
    site.end()


def test_there_is_no_room_for_sqlite(small, figures):
    [worker] = [small.workers["tracker", small.ports.tracker[0]]]
    with small.loaded() as run:
        # Neither the database nor what it says can grow any more.
        before = no_room(worker, 1024)
        run.writers.wait_until_away()
        run.viewers.wait_for(40)
        assert small.get("/tracker/healthz").status == 200
        room(worker, before)
        moment = now()
        run.back(moment)
        while "the database works again" not in worker.said:
            assert now() < moment + PATIENCE, worker.said
            time.sleep(0.1)
    run.pages_were_well()
    figures("Disk full for SQLite, and for what its worker logs", **run.figures)


@pytest.fixture
def clock(tmp_path):
    """A file that says how far the clock of a site's workers is off."""
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    return clock


def test_clocks_jump(tmp_path, clock, postgres, migrate, figures):
    site = Harmed(
        tmp_path,
        database=postgres.new_database(),
        environ={
            "LD_PRELOAD": require("faketime"),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            # As on a real machine, no clock jumps but that of the wall.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        },
    )
    migrate(site.database)
    site.start(frontends=2, trackers=2)
    try:
        for offset in (HOUR, 0, -HOUR, 0):
            with site.loaded(20) as run:
                draft = clock.with_suffix(".draft")
                draft.write_text(f"{offset:+d}\n")
                draft.replace(clock)
                moment = now()
                run.back(moment)
                wait_for_clock(site, offset)
                wait_until_live(site)
                live = now() - moment
            run.pages_were_well()
            assert run.writers.cut_off == 0
            assert run.writers.away.total() == 0
            assert run.by_app["tracker"] == []
            figures(
                f"Clock jumps: {offset // HOUR:+d} h from the right time",
                live_after=round(live, 1),
                **run.figures,
            )
    finally:
        site.end()


def wait_for_clock(site, offset):
    """Wait until the tracker's answers are of the time that it shall believe in."""
    give_up = now() + PATIENCE
    while True:
        dated = site.get("/tracker/healthz", port=site.ports.tracker[0]).headers["Date"]
        believed = datetime.strptime(dated, "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC)
        if abs(believed.timestamp() - time.time() - offset) < 60:
            return
        assert now() < give_up, dated
        time.sleep(0.1)


def wait_until_live(site):
    """Wait until a page shows that the hall streams, as it does all the time."""
    give_up = now() + PATIENCE
    while not (answer := site.get("/tracker/streams.json").json())["rooms"]["hall"]["live"]:
        assert now() < give_up, answer
        time.sleep(0.1)
