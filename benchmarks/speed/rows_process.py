"""Workers as processes: how soon they answer, and what memory they keep."""

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from functional.agent.servers import Program, free_port
from functional.proxy.site import Site

from .load import Call
from .plan import Plan
from .rows import Found
from .rows_pages import PAGES
from .rows_writes import reports
from .servers import Bare, Side, Streams, a_site, ask

APPS = ("frontend", "tracker")
NAMES = tuple(f"{what}-{app}" for app in APPS for what in ("start", "memory", "memory-total"))
FIRST = {"frontend": "/room0", "tracker": "/tracker/streams.json"}
FEW = 1000
PATIENCE = 60.0  # seconds
MOST = 110.0  # MB


def measure(names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Measure rows of workers beside a tracker and nginx, which pages ask what is live."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with a_site(folder / "site") as site:
            site.start(trackers=1, frontends=0)
            Streams(site.ports.tracker[0]).keep()
            for name in names:
                what, app = name.rsplit("-", 1)
                if what == "start":
                    yield name, start(site, app, folder / f"bare-{app}", plan)
            wanted = [app for app in APPS if {f"memory-{app}", f"memory-total-{app}"} & set(names)]
            with ThreadPoolExecutor() as pool:
                held = pool.map(lambda app: memory(site, app, folder / app, plan), wanted)
            for app, (few, many) in zip(wanted, held, strict=True):
                note = f"{many['Pss']:.1f} MB if what is shared is divided (Pss)"
                found = {
                    f"memory-{app}": Found(ours=[many["Rss"]], other=[few["Rss"]], note=note),
                    f"memory-total-{app}": Found(ours=[many["Rss"]], other=[MOST], note=note),
                }
                yield from ((name, found[name]) for name in names if name in found)


def start(site: Site, app: str, folder: Path, plan: Plan) -> Found:
    """Start a worker and the bare app in turn."""
    bare = Bare(site, folder, section=app)
    path = bare.page("page", "text/html; charset=utf-8", b"a page").path
    found = Found()
    # The first start writes the compiled files of Python.
    for turn in range(plan.rounds + 1):
        for side in ("ours", "other") if turn % 2 else ("other", "ours"):
            if side == "ours":
                port = free_port()
                took = first_answer(lambda port=port: worker(site, app, port), port, FIRST[app])
            else:
                took = first_answer(bare.launch, bare.port, path)
            if turn:
                getattr(found, side).append(1000 * took)
    return found


def worker(site: Site, app: str, port: int) -> Program:
    """Start a worker as its unit does."""
    site.start_worker(app, port)
    return site.workers[app, port]


def first_answer(launch: Callable[[], Program], port: int, path: str) -> float:
    """Return the seconds from the start of a program to its first answer; end it."""
    begun = time.perf_counter()
    program = launch()
    try:
        while True:
            assert program.process.poll() is None, program.said
            try:
                status, _, _ = ask(port, Call(path=path))
            except OSError:
                assert time.perf_counter() < begun + PATIENCE, program.said
                # Nothing tells when another program listens; to ask all the time would slow it.
                time.sleep(0.002)
                continue
            assert status == 200, program.said
            return time.perf_counter() - begun
    finally:
        program.kill()


def memory(
    site: Site, app: str, folder: Path, plan: Plan
) -> tuple[dict[str, float], dict[str, float]]:
    """Return what a new worker holds after some requests, and after a hundred times as many."""
    folder.mkdir()
    port = free_port()
    program = worker(site, app, port)
    site.wait_for_worker(app, port)
    if app == "frontend":
        calls = [Call(path=path) for path in (*PAGES.values(), "/room0/json")]
    else:
        calls = [call for each in reports() for call in (Call(path="/tracker/streams.json"), each)]
    # On a busy machine, what the first answers compile takes longer than a burst.
    for call in (call for call in calls[: len(PAGES) + 1] if call.method == "GET"):
        status, _, body = ask(port, call)
        assert status == 200, body
    side = Side(port, calls, folder, pid=program.process.pid)
    done, held = 0, []
    for enough in (FEW, plan.requests):
        while done < enough:
            found, _ = side.burst(1 if enough == FEW else 10)
            done += found.answers
        held.append(holds(program.process.pid))
    program.kill()
    return held[0], held[1]


def holds(pid: int) -> dict[str, float]:
    """Return the megabytes that a process holds, by how they are counted."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.findall(r"^(Rss|Pss): +(\d+) kB", text, re.MULTILINE)
    return {name: int(size) * 1024 / 1e6 for name, size in found}
