"""A second PostgreSQL server that follows the first one: real streaming replication."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import sqlalchemy as sa


class Standby:
    """A copy of a server, which goes on copying while it runs."""

    def __init__(self, primary: str) -> None:
        self._primary = sa.make_url(primary)
        # The same programs that the first server is of.
        self._bin = Path(scalar(primary, "SELECT setting FROM pg_config WHERE name = 'BINDIR'"))
        # The path of a socket must be short.
        self._folder = Path(tempfile.mkdtemp(prefix="standby-"))
        # PostgreSQL does not run as root.
        self._user = "pgserver" if os.geteuid() == 0 else None
        if self._user:
            known = pwd.getpwnam(self._user)
            os.chown(self._folder, known.pw_uid, known.pw_gid)
        self._data = self._folder / "data"
        self._run(
            *("pg_basebackup", "--pgdata", self._data, "--write-recovery-conf"),
            *("--checkpoint", "fast", "--no-sync"),
            *("--host", self._primary.query["host"], "--username", self._primary.username),
        )
        self._process = None

    @property
    def url(self) -> sa.URL:
        """Where the same database is here."""
        return self._primary.set(query={"host": str(self._folder)})

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._data, "-k", self._folder,
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=self._user,
                cwd=self._folder, start_new_session=True,
            )  # fmt: skip
        give_up = time.monotonic() + 60
        while True:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            try:
                return self.scalar("SELECT 1")
            except sa.exc.OperationalError:
                assert time.monotonic() < give_up, (self._folder / "log").read_text()
                time.sleep(0.1)

    def scalar(self, text: str):
        """Return the first value of a query on a new connection."""
        return scalar(self.url, text)

    def catch_up(self) -> None:
        """Wait until the standby has replayed everything that the primary has flushed."""
        flushed = scalar(self._primary, "SELECT pg_current_wal_flush_lsn()")
        give_up = time.monotonic() + 60
        while not self.scalar(f"SELECT pg_last_wal_replay_lsn() >= '{flushed}'"):
            assert time.monotonic() < give_up
            time.sleep(0.05)

    def promote(self) -> None:
        """Make it the primary."""
        self._run("pg_ctl", "-D", self._data, "-w", "promote")

    def kill(self) -> None:
        """Stop the server immediately, like a machine that fails."""
        if self._process is not None and self._process.poll() is None:
            # Its children end with it: they are not ours to be found by name.
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
            self._process.wait()

    @contextlib.contextmanager
    def frozen(self):
        """Suspend the server, while its machine still acknowledges packets."""
        first = psutil.Process(self._process.pid)
        processes = [first, *first.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder)

    def _run(self, program: str, *arguments) -> None:
        done = subprocess.run(
            [self._bin / program, *map(str, arguments)],
            user=self._user, cwd=self._folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def scalar(url, text):
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return connection.exec_driver_sql(text).scalar()
