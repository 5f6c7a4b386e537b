"""Pages and documents of a worker, without nginx."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from functional.proxy.site import Site

from .load import HttpCall
from .plan import MeasurementPlan
from .rows import RowResult
from .servers import BareApp, LiveStreams, LoadTarget, make_site, send_call

PAGES = {"room": "/room0", "index": "/", "schedule": "/schedule"}
NAMES = (*PAGES, "streams", "json", "unchanged")
MAX_ATTEMPTS = 5


def measure(names: list[str], plan: MeasurementPlan) -> Iterator[tuple[str, RowResult]]:
    """Measure a frontend and a tracker, one process each."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        site = stack.enter_context(make_site(folder / "site"))
        site.start(frontends=1, trackers=1)
        streams = LiveStreams(site.ports.tracker[0])
        streams.register()
        bare = {
            app: BareApp(site, folder / f"bare-{app}", section=app)
            for app in ("frontend", "tracker")
        }
        calls = {name: prepare_calls(name, site, bare) for name in names}
        for app in bare.values():
            stack.enter_context(app.running())
        for name, (ours, other, app) in calls.items():
            port = site.ports.frontend[0] if app == "frontend" else site.ports.tracker[0]
            process = site.workers[app, port].process.pid
            sides = (
                LoadTarget(port, ours, folder, pid=process),
                LoadTarget(bare[app].port, other, folder, pid=bare[app].program.process.pid),
            )
            if name == "unchanged":
                yield (
                    name,
                    plan.compare(
                        *sides, before=streams.register, ours=unchanged_burst(port, sides[0])
                    ),
                )
            else:
                yield name, plan.compare(*sides, before=streams.register)


def prepare_calls(
    name: str, site: Site, bare: dict[str, BareApp]
) -> tuple[HttpCall, HttpCall, str]:
    """Return a row's call to the site, its call to the bare app, and the app's name."""
    if name == "unchanged":
        return HttpCall(path=PAGES["room"]), HttpCall(path="/unchanged"), "frontend"
    if name == "streams":
        call, app, port = HttpCall(path="/tracker/streams.json"), "tracker", site.ports.tracker[0]
    else:
        path = "/room0/json" if name == "json" else PAGES[name]
        call, app, port = HttpCall(path=path), "frontend", site.ports.frontend[0]
    status, headers, body = send_call(port, call)
    assert status == 200, (call, status, body[:200])
    if name in PAGES:
        return call, bare[app].page(name, headers["Content-Type"], body), app
    return call, bare[app].document(name, body), app


def unchanged_burst(port: int, side: LoadTarget) -> Callable[[float], object]:
    """Return a burst of conditional requests that all get the status 304.

    The page changes with the time that it shows; a burst during a change is repeated.
    """
    call = HttpCall(path=PAGES["room"])

    def burst(seconds: float) -> object:
        for _ in range(MAX_ATTEMPTS):
            _, headers, _ = send_call(port, call)
            side.headers["If-None-Match"] = headers["ETag"]
            result = side.burst(seconds)
            status, _, body = send_call(port, call, **{"If-None-Match": headers["ETag"]})
            if status == 304 and not body:
                return result
        raise AssertionError("the page changed during every burst")

    return burst
