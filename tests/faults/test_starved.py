"""The tracker stopped, full disks, and clock jumps."""

import resource
import time
from datetime import UTC, datetime

import pytest
from programs import require

from .site_under_fault import RECOVERY_TIMEOUT, SiteUnderFault, now

HOUR = 3600
MIB = 2**20


def test_pages_are_served_while_the_tracker_is_stopped(site_under_fault, record_result):
    with site_under_fault.loaded() as run:
        site_under_fault.kill("tracker")
        run.writers.wait_until_unavailable()
        seen = run.viewers.seen
        run.viewers.wait_for(100)
        assert run.viewers.seen >= seen + 100
        recovery_start = now()
        for port in site_under_fault.ports.tracker:
            site_under_fault.start_worker("tracker", port)
        run.wait_for_recovery(recovery_start)
        for port in site_under_fault.ports.tracker:
            site_under_fault.wait_for_worker("tracker", port)
    run.expect_no_failed_pages()
    assert all("pages do not show its data" in line["message"] for line in run.by_app["frontend"])
    assert len(run.by_app["frontend"]) <= 2 * len(site_under_fault.ports.frontend)
    record_result("Tracker gone, then started", **run.metrics)


def fill_disk(program, size):
    """Limit the size of files that a process can write; return the previous limits."""
    limits = resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, (size, limits[1]))
    return limits


def free_disk(program, limits):
    resource.prlimit(program.process.pid, resource.RLIMIT_FSIZE, limits)


def test_only_log_delivery_fails_while_the_log_disk_is_full(site_under_fault, record_result):
    # Only the files of endpoints are large, so workers can still log errors.
    folder = site_under_fault.folder / "var/endpoint-logs/hall"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "127.0.0.1.log").open("ab") as file:
        file.write(b"# a long day\n" * (MIB // 12))
    workers = [site_under_fault.workers["tracker", port] for port in site_under_fault.ports.tracker]
    with site_under_fault.loaded() as run:
        before = [fill_disk(worker, MIB) for worker in workers]
        run.writers.wait_for_refusals("logs", 20)
        run.writers.wait_for(40)
        assert set(run.writers.unavailable) == {"logs"}
        for worker, limits in zip(workers, before, strict=True):
            free_disk(worker, limits)
        run.wait_for_recovery(now())
    run.expect_no_failed_pages()
    run.expect_log_message("writing access logs failed: [Errno 27] File too large")
    assert run.metrics["most_lines"] == 2
    record_result("Disk full for endpoints' logs", **run.metrics)


@pytest.fixture
def small(tmp_path, migrate):
    """A site of one worker each, on SQLite."""
    site = SiteUnderFault(tmp_path)
    migrate(site.database)
    yield site.start(frontends=1, trackers=1)
    site.close()


def test_site_recovers_after_the_disk_of_sqlite_was_full(small, record_result):
    [worker] = [small.workers["tracker", small.ports.tracker[0]]]
    with small.loaded() as run:
        # Neither the database nor the log can grow.
        before = fill_disk(worker, 1024)
        run.writers.wait_until_unavailable()
        run.viewers.wait_for(40)
        assert small.get("/tracker/healthz").status == 200
        free_disk(worker, before)
        recovery_start = now()
        run.wait_for_recovery(recovery_start)
        while "the database works again" not in worker.output:
            assert now() < recovery_start + RECOVERY_TIMEOUT, worker.output
            time.sleep(0.1)
    run.expect_no_failed_pages()
    record_result("Disk full for SQLite, and for what its worker logs", **run.metrics)


@pytest.fixture
def clock(tmp_path):
    """A file with the offset of the workers' clock."""
    clock = tmp_path / "clock"
    clock.write_text("+0\n")
    return clock


def test_site_recovers_after_clock_jumps(tmp_path, clock, postgres, migrate, record_result):
    site = SiteUnderFault(
        tmp_path,
        database=postgres.new_database(),
        environ={
            "LD_PRELOAD": require("faketime"),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            # Monotonic clocks never jump.
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
                recovery_start = now()
                run.wait_for_recovery(recovery_start)
                wait_for_clock(site, offset)
                wait_until_live(site)
                live = now() - recovery_start
            run.expect_no_failed_pages()
            assert run.writers.cut_off == 0
            assert run.writers.unavailable.total() == 0
            # A busy worker drops the requests of clients that have given up, and logs their number.
            assert [
                line
                for line in run.by_app["tracker"]
                if line["logger"] != "streaming_system.web.request_queue"
            ] == []
            record_result(
                f"Clock jumps: {offset // HOUR:+d} h from the right time",
                live_after=round(live, 1),
                **run.metrics,
            )
    finally:
        site.close()


def wait_for_clock(site, offset):
    """Wait until the tracker's responses have the time of its clock."""
    deadline = now() + RECOVERY_TIMEOUT
    while True:
        dated = site.get("/tracker/healthz", port=site.ports.tracker[0]).headers["Date"]
        tracker_time = datetime.strptime(dated, "%a, %d %b %Y %H:%M:%S %Z").replace(tzinfo=UTC)
        if abs(tracker_time.timestamp() - time.time() - offset) < 60:
            return
        assert now() < deadline, dated
        time.sleep(0.1)


def wait_until_live(site):
    """Wait until the tracker reports that the hall is live."""
    deadline = now() + RECOVERY_TIMEOUT
    while not (response := site.get("/tracker/streams.json").json())["rooms"]["hall"]["live"]:
        assert now() < deadline, response
        time.sleep(0.1)
