"""The site, what its workers say, and what came of a fault."""

import contextlib
import json
import time

import psutil
import sqlalchemy as sa
from functional.proxy.site import NAME, NO_LIMITS, SECRET, Site
from functional.writers import WRITES, Writers, token_of, what_is_kept

from .viewers import Viewers

PATIENCE = 30
# Load is what is tested here, not limits.
FREE = [
    ("app:tracker", f"limit.{rate}", "off") for rate in ("reports", "writes", "reads", "graphs")
]
# Nor whether a slow machine that does much else makes every page in time.
PATIENT = [("proxy_read_timeout 4s", "proxy_read_timeout 30s"), *NO_LIMITS]


class Harmed(Site):
    """A site under load."""

    def __init__(self, folder, **more):
        super().__init__(
            folder, settings=[*FREE, *more.pop("settings", ())], change=PATIENT, **more
        )
        self.engine = sa.create_engine(self.database, poolclass=sa.NullPool)
        self.token = ""

    def end(self):
        self.stop()
        self.engine.dispose()

    def start(self, **more):
        self.token = token_of(self.engine)
        return super().start(**more)

    def writers(self):
        """Return servers and players that report through nginx."""
        return Writers(
            lambda: self.ports.site,
            self.token,
            secret=SECRET,
            prefix="/tracker",
            headers={"Host": NAME},
            away=True,
        )

    def kept(self):
        return what_is_kept(self.engine, self.folder / "var/endpoint-logs/hall")

    def restart(self, app, port):
        """Do what systemd does when a worker has ended."""
        self.start_worker(app, port)
        self.wait_for_worker(app, port)

    def nginx_worker(self):
        [worker, *_] = psutil.Process(self.nginx.process.pid).children()
        return worker

    def lengths(self):
        return {key: len(program.log.read_bytes()) for key, program in self.workers.items()}

    def said(self, since, app=None):
        """Return what workers have said since then, worker by worker: JSON that is no chatter."""
        return {
            key: [
                record
                for line in program.log.read_bytes()[since.get(key, 0) :].decode().splitlines()
                if (record := _record(line)) and record["level"] in ("WARNING", "ERROR", "CRITICAL")
            ]
            for key, program in self.workers.items()
            if app in (None, key[0])
        }

    @contextlib.contextmanager
    def loaded(self, enough=40):
        """Put load on it, and give the fault to whoever asks; all is checked at the end."""
        since = self.lengths()
        with self.writers() as writers, Viewers(self) as viewers:
            viewers.wait_for(enough)
            writers.wait_for(enough)
            run = Run(self, writers, viewers, since)
            yield run
            viewers.wait_for(enough)
            writers.wait_for(enough)
            run.wait_until_over()
        run.judge()


class Run:
    """What came of a fault under load."""

    def __init__(self, site, writers, viewers, since):
        self.site, self.writers, self.viewers = site, writers, viewers
        self._since = since
        self.figures = {}

    def back(self, since):
        """Wait until all goes well again; note how long that took."""
        pages = self.viewers.back(since)
        writes = self.writers.back(since)
        self.figures |= {"pages_back": round(pages, 1), "writes_back": round(writes, 1)}
        assert max(pages, writes) < PATIENCE

    def wait_until_over(self):
        """Wait until each worker that said that something fails has said that it works again."""
        give_up = now() + PATIENCE
        while pending := [
            key
            for key, lines in self.site.said(self._since, "tracker").items()
            if any(" failed: " in line["message"] for line in lines)
            and " works again: " not in lines[-1]["message"]
        ]:
            assert now() < give_up, pending
            time.sleep(0.1)

    def judge(self):
        """Compare what was acknowledged with what is there; count."""
        kept = self.site.kept()
        known = self.writers.known
        lost = {kind: sorted(known[kind] - kept[kind]) for kind in WRITES}
        assert lost == {kind: [] for kind in WRITES}
        assert self.writers.refused == []
        said = self.site.said(self._since)
        self.lines = [line for lines in said.values() for line in lines]
        self.by_app = {app: [] for app, _ in said}
        for (app, _), lines in said.items():
            self.by_app[app] += lines
        self.figures |= {
            "pages": self.viewers.seen,
            "pages_failed": len(self.viewers.failed),
            "pages_cut_off": self.viewers.cut_off,
            "slowest_page": round(self.viewers.slowest, 2),
            "acknowledged": sum(map(len, known.values())),
            "lost": sum(map(len, lost.values())),
            "told_not_now": self.writers.away.total(),
            "writes_cut_off": self.writers.cut_off,
            "most_lines": max(map(len, said.values())),
        }

    def pages_were_well(self, *, cut_off=0):
        assert self.viewers.failed == [], self.viewers.failed[:3]
        assert self.viewers.cut_off <= cut_off

    def said(self, *words):
        """Make sure that each worker says what happened, in at most a few lines of each kind."""
        messages = [line["message"] for line in self.lines]
        for word in words:
            assert [m for m in messages if word in m], messages
        assert self.figures["most_lines"] <= 6, messages


def _record(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"level": "ERROR", "message": line} if line.startswith("Traceback") else None


def now():
    return time.monotonic()
