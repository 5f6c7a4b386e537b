"""Pages and documents, asked of a worker directly."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from functional.proxy.site import Site

from .load import Call
from .plan import Plan
from .rows import Found
from .servers import Bare, Side, Streams, a_site, ask

PAGES = {"room": "/room0", "index": "/", "schedule": "/schedule"}
NAMES = (*PAGES, "streams", "json", "unchanged")
TRIES = 5


def measure(names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Measure rows of a frontend and a tracker, each of one process."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        site = stack.enter_context(a_site(folder / "site"))
        site.start(frontends=1, trackers=1)
        streams = Streams(site.ports.tracker[0])
        streams.keep()
        bare = {
            app: Bare(site, folder / f"bare-{app}", section=app) for app in ("frontend", "tracker")
        }
        asked = {name: prepared(name, site, bare) for name in names}
        for each in bare.values():
            stack.enter_context(each.running())
        for name, (ours, other, app) in asked.items():
            port = site.ports.frontend[0] if app == "frontend" else site.ports.tracker[0]
            process = site.workers[app, port].process.pid
            sides = (
                Side(port, ours, folder, pid=process),
                Side(bare[app].port, other, folder, pid=bare[app].program.process.pid),
            )
            if name == "unchanged":
                yield name, plan.compare(*sides, before=streams.keep, ours=still(port, sides[0]))
            else:
                yield name, plan.compare(*sides, before=streams.keep)


def prepared(name: str, site: Site, bare: dict[str, Bare]) -> tuple[Call, Call, str]:
    """Return what a row asks the site, what it asks the bare app, and which app it is."""
    if name == "unchanged":
        return Call(path=PAGES["room"]), Call(path="/unchanged"), "frontend"
    if name == "streams":
        call, app, port = Call(path="/tracker/streams.json"), "tracker", site.ports.tracker[0]
    else:
        path = "/room0/json" if name == "json" else PAGES[name]
        call, app, port = Call(path=path), "frontend", site.ports.frontend[0]
    status, headers, body = ask(port, call)
    assert status == 200, (call, status, body[:200])
    if name in PAGES:
        return call, bare[app].page(name, headers["Content-Type"], body), app
    return call, bare[app].document(name, body), app


def still(port: int, side: Side) -> Callable[[float], object]:
    """Return a burst of questions whether a page has changed, none of which is told that it has.

    The page changes with the time it shows: a burst during which it did is done again.
    """
    call = Call(path=PAGES["room"])

    def burst(seconds: float) -> object:
        for _ in range(TRIES):
            _, headers, _ = ask(port, call)
            side.headers["If-None-Match"] = headers["ETag"]
            found = side.burst(seconds)
            status, _, body = ask(port, call, **{"If-None-Match": headers["ETag"]})
            if status == 304 and not body:
                return found
        raise AssertionError("the page changes all the time")

    return burst
