"""Damage to the schedule file, and failures of the feed server; the last schedule stays."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest
from functional.agent.servers import Program

from .feeds import FeedServer, feed
from .site_under_fault import RECOVERY_TIMEOUT, now

COMMAND = Path(sys.executable).with_name("streaming-system")
DAMAGES = {
    "deleted": None,
    "truncated": lambda original: original[: len(original) // 2],
    "emptied": lambda original: b"",
    "replaced by rubbish": lambda original: b"\x00\xff rubbish" * 5000,
}
# By mode of the server, the reason in the error message.
FAILURES = {
    "hanging": "does not answer in time",
    "endless": "is larger than",
    "slow": "takes longer than 8 s to download",
    "failing": "answered 500",
    "truncated": "cannot be downloaded",
    "garbage": "cannot be downloaded",
}


@pytest.fixture(scope="module")
def server():
    server = FeedServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def impatient_site(site_under_fault, server):
    """The site, with ``impatient.ini`` that imports the server's feed with short timeouts."""
    private = site_under_fault.folder / "config.private.json"
    original = private.read_text()
    config = json.loads(original)
    config["hall"]["schedule"] = server.url
    private.write_text(json.dumps(config))
    text = (site_under_fault.folder / "production.ini").read_text()
    settings = (
        "feed.seconds = 2\nfeed.download = 1048576\noutbound.allowed_private_networks = 127.0.0.1\n"
    )
    ini = site_under_fault.folder / "impatient.ini"
    ini.write_text(text.replace("[DEFAULT]\n", f"[DEFAULT]\n{settings}"))
    yield site_under_fault
    private.write_text(original)


@pytest.fixture
def schedule_file(impatient_site, server):
    """The schedule file with the talk "The first", which all workers show."""
    server.mode, server.body = "working", feed("The first")
    result = import_feed(impatient_site)
    assert result.returncode == 0, result.stderr
    wait_for_talk(impatient_site, "The first")
    return impatient_site.folder / "var/schedule.json"


def import_feed(site, **more):
    """Import the feed as an organiser does."""
    return subprocess.run(
        [COMMAND, "-c", "impatient.ini", "schedule", "import"],
        cwd=site.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **more,
    )


def replace(path, data):
    """Replace a file atomically: a worker must not see a partial one."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(data)
    draft.replace(path)


def wait_for_talk(site, title):
    """Wait until each worker shows a talk."""
    for port in site.ports.frontend:
        deadline = now() + RECOVERY_TIMEOUT
        while title not in site.get("/hall", port=port).data.decode():
            assert now() < deadline, title
            time.sleep(0.05)


def test_pages_show_the_last_schedule_while_the_file_is_damaged(
    impatient_site, schedule_file, record_result
):
    original = schedule_file.read_bytes()
    for damage, apply in DAMAGES.items():
        with impatient_site.loaded(20) as run:
            if apply is None:
                schedule_file.unlink()
            else:
                replace(schedule_file, apply(original))
            run.viewers.wait_for(40)
            for port in impatient_site.ports.frontend:
                assert impatient_site.get("/readyz", port=port).status == 503
            wait_for_talk(impatient_site, "The first")
            replace(schedule_file, original)
            run.wait_for_recovery(now())
        run.expect_no_failed_pages()
        lines = [line["message"] for line in run.by_app["frontend"]]
        assert len(lines) == 2, lines
        assert all("the previous schedule stays in service" in line for line in lines)
        record_result(f"Schedule file {damage}", **run.metrics)


def test_import_reports_a_failing_feed_server_and_changes_nothing(
    impatient_site, schedule_file, server, record_result
):
    original = schedule_file.read_bytes()
    for mode, reason in FAILURES.items():
        server.mode = mode
        start = now()
        result = import_feed(impatient_site)

        assert (result.returncode, result.stdout) == (1, "")
        # Other lines warn about the configuration.
        [line] = [line for line in result.stderr.splitlines() if server.url in line]
        assert reason in line, line
        assert "Traceback" not in result.stderr
        assert schedule_file.read_bytes() == original
        duration = now() - start
        assert duration < RECOVERY_TIMEOUT
        record_result(f"Feed's server: {mode}", import_ended_after=round(duration, 1))


def test_schedule_watch_recovers_after_failures_of_the_feed_server(
    impatient_site, schedule_file, server, record_result
):
    server.mode = "failing"
    watch = Program(
        *(COMMAND, "-c", "impatient.ini", "schedule", "watch", "--interval", "1"),
        folder=impatient_site.folder,
        name="watch",
    )
    try:
        failures, deadline = server.request_count + 2, now() + RECOVERY_TIMEOUT
        while server.request_count < failures:
            assert watch.process.poll() is None, watch.output
            assert now() < deadline, watch.output
            time.sleep(0.05)
        server.body, server.mode = feed("The second"), "working"
        recovery_start = now()
        wait_for_talk(impatient_site, "The second")
        recovery = now() - recovery_start
        assert watch.output.count("answered 500") <= 3
        assert "Traceback" not in watch.output
    finally:
        watch.kill()
    record_result(
        "Feed's server fails under `schedule watch`, and is well again",
        pages_back=round(recovery, 1),
    )


def test_import_on_a_full_disk_changes_nothing(
    impatient_site, schedule_file, server, record_result
):
    original = schedule_file.read_bytes()
    server.body = feed("The second")

    def fill_disk():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    result = import_feed(impatient_site, preexec_fn=fill_disk)

    assert result.returncode == 1
    assert f"{schedule_file}: cannot be written: File too large" in result.stderr
    assert schedule_file.read_bytes() == original
    assert [path.name for path in schedule_file.parent.glob(".schedule*")] == []
    assert import_feed(impatient_site).returncode == 0
    wait_for_talk(impatient_site, "The second")
    record_result("Disk full for the schedule", lost=0)
