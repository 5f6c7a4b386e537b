"""What all tests share: temporary folders, markers, and the summary of what was skipped."""

import gc
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# By folder or file, what its tests need; "slow" ones take seconds each.
MARKED_PATHS = {
    "tests/attacks": ["nginx"],
    "tests/e2e": ["browser"],
    "tests/faults": ["nginx", "postgresql", "slow"],
    "tests/functional/deploy": ["nginx", "slow"],
    "tests/functional/hosts": ["nginx", "postgresql", "slow"],
    "tests/functional/proxy": ["nginx"],
    "tests/functional/scaling": ["postgresql"],
    "tests/unit/cli": ["slow"],
    "tests/unit/schedule_import/test_authoring.py": ["slow"],
}
# By fixture, for folders whose tests need different things.
MARKED_FIXTURES = {
    "chromium": "browser",
    "encoder": "ffmpeg",
    "icecast": "icecast",
    "nginx": "nginx",
    "nginx_rtmp": "nginx",
    "postgres": "postgresql",
}
# Only worth it now and then: `make test-exhaustive` runs them.
EXHAUSTIVE_PATHS = (
    "tests/attacks/test_supply.py",
    "tests/e2e/test_demo.py",
    "tests/e2e/test_quick_start.py::test_first_start",
    "tests/e2e/test_quick_start.py::test_make_distclean",
    "tests/faults",
    "tests/functional/deploy/test_one_kind.py",
    "tests/functional/deploy/test_under_load.py",
    "tests/functional/growth",
    "tests/functional/hosts",
    "tests/functional/scaling/test_migrating.py",
    "tests/functional/scaling/test_partitions.py",
    "tests/test_docs_site.py",
    "tests/test_suite.py",
    "tests/unit/test_bench_",
    "tests/unit/test_capacity.py",
    "tests/unit/test_faults_table.py",
    "tests/unit/test_flame.py",
    "tests/unit/test_viewers_model.py",
)
# What `make test` runs with few examples, and `make test-exhaustive` again with many: tests.depth.
DEEP_PATHS = (
    "tests/functional/api/test_schemathesis.py",
    "tests/functional/agent/test_logs_once.py",
    "tests/functional/test_log_files.py::TestManyProcesses",
    "tests/functional/test_request_fuzz.py",
    "tests/functional/test_sigkill.py",
    "tests/functional/test_tracker_keys.py::TestKeys::test_concurrent_processes_create_one_key",
    "tests/functional/test_tracker_viewers.py",
    "tests/parsers/test_fuzz.py",
    "tests/parsers/test_round_trip.py::test_import_of_an_exported_real_feed",
    "tests/unit/agent/test_foreign_documents.py::test_cut_document",
    "tests/unit/agent/test_foreign_documents.py::test_random_bytes",
)
# What these check happens before SQL, and other tests of the same operations run on both databases.
ONE_DATABASE_PATHS = (
    "tests/functional/api/test_document.py",
    "tests/functional/api/test_limits.py",
    "tests/functional/api/test_schemathesis.py",
    "tests/functional/test_admin.py",
    "tests/functional/test_event_tracker.py",
    "tests/functional/test_hostile_backup.py",
    "tests/functional/test_old_protocol.py",
    "tests/functional/test_origins.py",
    "tests/functional/test_publish_hooks.py",
    "tests/functional/test_request_fuzz.py",
    "tests/functional/test_request_guard.py",
    "tests/functional/test_request_ids.py",
)
# Their servers, browsers and processes may be slow once. A second run gets past that, and the
# summary lists it (-rR): such a test needs a fix.
SERVER_PATHS = ("tests/attacks", "tests/e2e", "tests/faults", "tests/functional")
# How the summary calls the tests that need a program.
KINDS = {"chromium": "browser", "icecast2": "Icecast"}
# Agents of tests that run side by side have streams of the same path.
os.environ["STREAMING_CHECKS"] = f"-{os.getpid()}"
BASETEMP_PREFIX = "streaming-system-tests-"
_skipped = Counter()


def pytest_configure(config):
    """Give each session folders of its own.

    pytest would take all sessions' folders from other users at the start of each session, those
    of servers that run as such a user included.
    """
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = tempfile.mkdtemp(prefix=BASETEMP_PREFIX)
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))


def pytest_collection_modifyitems(config, items):
    """Mark tests by what they need, and by how often they are worth running."""
    superfluous = [
        item
        for item in items
        if "[postgresql" in item.nodeid and item.nodeid.startswith(ONE_DATABASE_PATHS)
    ]
    if superfluous:
        config.hook.pytest_deselected(items=superfluous)
        excluded = set(superfluous)
        items[:] = [item for item in items if item not in excluded]
    for item in items:
        path = item.path.relative_to(ROOT).as_posix()
        for prefix, markers in MARKED_PATHS.items():
            if path.startswith(prefix):
                for marker in markers:
                    item.add_marker(marker)
        for fixture in MARKED_FIXTURES.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKED_FIXTURES[fixture])
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        if "postgresql" in parameters:
            item.add_marker("postgresql")
            if not item.get_closest_marker("both_databases"):
                item.add_marker("exhaustive")
        if item.nodeid.startswith(EXHAUSTIVE_PATHS):
            item.add_marker("exhaustive")
        if item.nodeid.startswith(DEEP_PATHS):
            item.add_marker("deep")
        if item.nodeid.startswith(SERVER_PATHS):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_collection_finish():
    """Keep what is there for good out of the garbage collector's sight.

    It would look at all the tests again for each few apps that one has made: a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_logreport(report):
    """Count what was skipped, by the reason."""
    if report.skipped and isinstance(report.longrepr, tuple):
        _skipped[report.longrepr[2].removeprefix("Skipped: ")] += 1


def pytest_terminal_summary(terminalreporter):
    """Name in one line what was skipped, and what to install."""
    if _skipped:
        lines = [summary_of(reason, count) for reason, count in sorted(_skipped.items())]
        terminalreporter.write_line(f"skipped: {'; '.join(lines)}")


def summary_of(reason, count):
    """Return a part of the summary, such as "189 browser tests, no chromium: …"."""
    program = reason.removeprefix("no ").partition(":")[0]
    kind = f"{KINDS.get(program, program)} " if reason.startswith("no ") else ""
    return f"{count} {kind}test{'s' if count > 1 else ''}, {reason}"


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared(root: Path) -> Path:
    """The folder of real and hostile feeds that lies beside the project, where there is one."""
    folder = root.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not beside this checkout")
    return folder
