"""A site under load, the log messages of its workers, and the effects of a fault."""

import contextlib
import json
import time

import psutil
import sqlalchemy as sa
from functional.proxy.site import NAME, NO_LIMITS, SECRET, Site
from functional.writers import WRITES, Writers, stored_writes, token_of

from .viewers import Viewers

RECOVERY_TIMEOUT = 30  # seconds
MAX_LOG_LINES = 6
# These tests measure load, not rate limits.
UNLIMITED_SETTINGS = [
    ("app:tracker", f"limit.{rate}", "off")
    for rate in ("reports", "players", "writes", "reads", "graphs")
]
# A slow test machine must not count as a fault.
PATIENT_WORKERS = [
    (f"server:{app}_worker", "queue_timeout", "60") for app in ("frontend", "tracker")
]
NGINX_CHANGES = [("proxy_read_timeout 4s", "proxy_read_timeout 30s"), *NO_LIMITS]


class SiteUnderFault(Site):
    """A site under load."""

    def __init__(self, folder, **more):
        super().__init__(
            folder,
            settings=[*UNLIMITED_SETTINGS, *PATIENT_WORKERS, *more.pop("settings", ())],
            change=NGINX_CHANGES,
            **more,
        )
        self.engine = sa.create_engine(self.database, poolclass=sa.NullPool)
        self.token = ""

    def close(self):
        self.stop()
        self.engine.dispose()

    def start(self, **more):
        self.token = token_of(self.engine)
        return super().start(**more)

    def writers(self):
        """Return clients that send reports through nginx."""
        return Writers(
            lambda: self.ports.site,
            self.token,
            secret=SECRET,
            prefix="/tracker",
            headers={"Host": NAME},
            retry_unavailable=True,
        )

    def stored_writes(self):
        return stored_writes(self.engine, self.folder / "var/endpoint-logs/hall")

    def restart(self, app, port):
        """Start a worker again, as systemd does."""
        self.start_worker(app, port)
        self.wait_for_worker(app, port)

    def nginx_worker(self):
        [worker, *_] = psutil.Process(self.nginx.process.pid).children()
        return worker

    def log_positions(self):
        return {key: len(program.log.read_bytes()) for key, program in self.workers.items()}

    def log_records(self, positions, app=None):
        """Return the warnings and errors of each worker after a position of its log."""
        return {
            key: [
                record
                for line in program.log.read_bytes()[positions.get(key, 0) :].decode().splitlines()
                if (record := _parse_record(line))
                and record["level"] in ("WARNING", "ERROR", "CRITICAL")
            ]
            for key, program in self.workers.items()
            if app in (None, key[0])
        }

    @contextlib.contextmanager
    def loaded(self, min_responses=40):
        """Load the site while the block injects a fault; check the recovery and all writes."""
        positions = self.log_positions()
        with self.writers() as writers, Viewers(self) as viewers:
            viewers.wait_for(min_responses)
            writers.wait_for(min_responses)
            run = FaultRun(self, writers, viewers, positions)
            yield run
            viewers.wait_for(min_responses)
            writers.wait_for(min_responses)
            run.wait_until_resolved()
        run.check_writes()


class FaultRun:
    """The effects of a fault under load."""

    def __init__(self, site, writers, viewers, positions):
        self.site, self.writers, self.viewers = site, writers, viewers
        self._positions = positions
        self.metrics = {}

    def wait_for_recovery(self, since):
        """Wait until new requests succeed; record the times since the cause has ended."""
        pages = self.viewers.wait_for_recovery(since)
        writes = self.writers.wait_for_recovery(since)
        self.metrics |= {"pages_back": round(pages, 1), "writes_back": round(writes, 1)}
        assert max(pages, writes) < RECOVERY_TIMEOUT

    def wait_until_resolved(self):
        """Wait until each worker that has logged a failure has logged its end."""
        deadline = now() + RECOVERY_TIMEOUT
        while pending := [
            key
            for key, lines in self.site.log_records(self._positions, "tracker").items()
            if any(" failed: " in line["message"] for line in lines)
            and " works again: " not in lines[-1]["message"]
        ]:
            assert now() < deadline, pending
            time.sleep(0.1)

    def check_writes(self):
        """Check that all acknowledged writes are stored; collect the metrics."""
        stored = self.site.stored_writes()
        known = self.writers.known
        lost = {kind: sorted(known[kind] - stored[kind]) for kind in WRITES}
        assert lost == {kind: [] for kind in WRITES}
        assert self.writers.refused == []
        records = self.site.log_records(self._positions)
        self.lines = [line for lines in records.values() for line in lines]
        self.by_app = {app: [] for app, _ in records}
        for (app, _), lines in records.items():
            self.by_app[app] += lines
        self.metrics |= {
            "pages": self.viewers.seen,
            "pages_failed": len(self.viewers.failed),
            "pages_cut_off": self.viewers.cut_off,
            "slowest_page": round(self.viewers.slowest, 2),
            "acknowledged": sum(map(len, known.values())),
            "lost": sum(map(len, lost.values())),
            "unavailable_responses": self.writers.unavailable.total(),
            "writes_cut_off": self.writers.cut_off,
            "most_lines": max(map(len, records.values())),
        }

    def expect_no_failed_pages(self, *, cut_off=0):
        assert self.viewers.failed == [], self.viewers.failed[:3]
        assert self.viewers.cut_off <= cut_off

    def expect_log_message(self, text):
        """Check that a worker has logged a message, and that no worker has logged many."""
        messages = [line["message"] for line in self.lines]
        assert [message for message in messages if text in message], messages
        assert self.metrics["most_lines"] <= MAX_LOG_LINES, messages


def _parse_record(line):
    try:
        return json.loads(line)
    except ValueError:
        return {"level": "ERROR", "message": line} if line.startswith("Traceback") else None


def now():
    return time.monotonic()
