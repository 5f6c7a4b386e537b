"""The start time and memory of worker processes."""

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from functional.agent.servers import Program, free_port
from functional.proxy.site import Site

from .load import HttpCall
from .plan import MeasurementPlan
from .rows import RowResult
from .rows_pages import PAGES
from .rows_writes import report_calls
from .servers import BareApp, LiveStreams, LoadTarget, make_site, send_call

APPS = ("frontend", "tracker")
NAMES = tuple(f"{what}-{app}" for app in APPS for what in ("start", "memory", "memory-total"))
FIRST_PATHS = {"frontend": "/room0", "tracker": "/tracker/streams.json"}
FEW_REQUESTS = 1000
START_TIMEOUT = 60.0  # seconds
MAX_MEMORY_MB = 110.0  # MB


def measure(names: list[str], plan: MeasurementPlan) -> Iterator[tuple[str, RowResult]]:
    """Measure workers; the tracker and nginx behind them provide the live rooms."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with make_site(folder / "site") as site:
            site.start(trackers=1, frontends=0)
            LiveStreams(site.ports.tracker[0]).register()
            for name in names:
                what, app = name.rsplit("-", 1)
                if what == "start":
                    yield name, measure_start(site, app, folder / f"bare-{app}", plan)
            apps = [app for app in APPS if {f"memory-{app}", f"memory-total-{app}"} & set(names)]
            with ThreadPoolExecutor() as pool:
                sizes = pool.map(lambda app: measure_memory(site, app, folder / app, plan), apps)
            for app, (few, many) in zip(apps, sizes, strict=True):
                note = f"{many['Pss']:.1f} MB proportional (Pss)"
                results = {
                    f"memory-{app}": RowResult(ours=[many["Rss"]], other=[few["Rss"]], note=note),
                    f"memory-total-{app}": RowResult(
                        ours=[many["Rss"]], other=[MAX_MEMORY_MB], note=note
                    ),
                }
                yield from ((name, results[name]) for name in names if name in results)


def measure_start(site: Site, app: str, folder: Path, plan: MeasurementPlan) -> RowResult:
    """Start a worker and the bare app alternately."""
    bare = BareApp(site, folder, section=app)
    path = bare.page("page", "text/html; charset=utf-8", b"a page").path
    result = RowResult()
    # The first start writes Python's bytecode files.
    for turn in range(plan.rounds + 1):
        for side in ("ours", "other") if turn % 2 else ("other", "ours"):
            if side == "ours":
                port = free_port()
                seconds = seconds_to_first_response(
                    lambda port=port: start_worker(site, app, port), port, FIRST_PATHS[app]
                )
            else:
                seconds = seconds_to_first_response(bare.launch, bare.port, path)
            if turn:
                getattr(result, side).append(1000 * seconds)
    return result


def start_worker(site: Site, app: str, port: int) -> Program:
    """Start a worker like its systemd unit."""
    site.start_worker(app, port)
    return site.workers[app, port]


def seconds_to_first_response(launch: Callable[[], Program], port: int, path: str) -> float:
    """Return the seconds from a program's start to its first response; stop the program."""
    started = time.perf_counter()
    program = launch()
    try:
        while True:
            assert program.process.poll() is None, program.output
            try:
                status, _, _ = send_call(port, HttpCall(path=path))
            except OSError:
                assert time.perf_counter() < started + START_TIMEOUT, program.output
                # A short delay: busy polling would slow down the program.
                time.sleep(0.002)
                continue
            assert status == 200, program.output
            return time.perf_counter() - started
    finally:
        program.kill()


def measure_memory(
    site: Site, app: str, folder: Path, plan: MeasurementPlan
) -> tuple[dict[str, float], dict[str, float]]:
    """Return a new worker's memory after few requests, and after a hundred times as many."""
    folder.mkdir()
    port = free_port()
    program = start_worker(site, app, port)
    site.wait_for_worker(app, port)
    if app == "frontend":
        calls = [HttpCall(path=path) for path in (*PAGES.values(), "/room0/json")]
    else:
        calls = [
            call
            for each in report_calls()
            for call in (HttpCall(path="/tracker/streams.json"), each)
        ]
    # Compile the templates first: on a busy machine that takes longer than a burst.
    for call in (call for call in calls[: len(PAGES) + 1] if call.method == "GET"):
        status, _, body = send_call(port, call)
        assert status == 200, body
    side = LoadTarget(port, calls, folder, pid=program.process.pid)
    count, sizes = 0, []
    for target in (FEW_REQUESTS, plan.requests):
        while count < target:
            result, _ = side.burst(1 if target == FEW_REQUESTS else 10)
            count += result.responses
        sizes.append(memory_mb(program.process.pid))
    program.kill()
    return sizes[0], sizes[1]


def memory_mb(pid: int) -> dict[str, float]:
    """Return the resident and the proportional set size of a process, in MB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    matches = re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE)
    return {name: int(size) * 1024 / 1e6 for name, size in matches}
