"""PgBouncer in front of PostgreSQL, and a failover to a standby."""

import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest
import sqlalchemy as sa
from programs import require

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.settings import StartupError

from ..agent.servers import Program, free_port
from ..postgres import Postgres
from ..proxy.site import ROOT, wait_until
from .standby import Standby


def manual_block(heading, language):
    """Return the code block of a section of docs/how-to/postgresql.md."""
    manual = (ROOT / "docs/how-to/postgresql.md").read_text()
    return manual.split(f"## {heading}\n")[1].split(f"```{language}\n")[1].split("```")[0]


@pytest.mark.parametrize(("text", "threshold"), [("none", None), ("0", 0), ("7", 7)])
def test_url_has_the_threshold_of_prepared_statements(text, threshold):
    url = f"postgresql+psycopg://me@host/name?prepare_threshold={text}"

    engine = make_engine({"sqlalchemy.url": url})

    assert "prepare_threshold" not in engine.url.query
    _, options = engine.dialect.create_connect_args(engine.url)
    assert "prepare_threshold" not in options
    captured = {}
    sa.event.listen(engine, "do_connect", lambda *a: captured.update(a[3]) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        engine.connect()
    assert captured["prepare_threshold"] == threshold


def test_invalid_threshold_stops_the_start():
    url = "postgresql+psycopg://me@host/name?prepare_threshold=never"

    with pytest.raises(StartupError, match="prepare_threshold is 'never'; a number, or none"):
        make_engine({"sqlalchemy.url": url})


@pytest.fixture
def pgbouncer(postgresql):
    """Return the URL of a PgBouncer as the manual configures it, with one connection to share."""
    program = require("pgbouncer")
    folder = Path(tempfile.mkdtemp(prefix="bouncer-"))
    url = sa.make_url(postgresql)
    port = free_port()
    text = manual_block("PgBouncer", "ini")
    for old, new in {
        "streaming = host=10.0.0.6 dbname=streaming_system": f"shared = host={url.query['host']} "
        f"dbname={url.database} user={url.username}",
        "10.0.0.6": "127.0.0.1",
        "6432": str(port),
        "scram-sha-256": "any",
        "/etc/pgbouncer/userlist.txt": f"{folder}/users",
        "default_pool_size = 40": "default_pool_size = 1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "users").write_text("")
    user = []
    if os.geteuid() == 0:
        known = pwd.getpwnam("pgserver")
        os.chown(folder, known.pw_uid, known.pw_gid)
        user = ["runuser", "-u", "pgserver", "--"]
    server = Program(*user, program, folder / "pgbouncer.ini", folder=folder, name="pgbouncer")
    yield f"postgresql+psycopg://{url.username}@127.0.0.1:{port}/shared"
    server.kill()
    shutil.rmtree(folder)


@pytest.mark.exhaustive
def test_workers_share_connections_of_pgbouncer(pgbouncer, migrate):
    engines = [
        make_engine({"sqlalchemy.url": f"{pgbouncer}?prepare_threshold=none"}) for _ in range(2)
    ]

    def is_up():
        try:
            with engines[0].connect():
                return True
        except sa.exc.OperationalError:
            return False

    wait_until(is_up, 20, "PgBouncer responds")
    # psycopg would prepare each statement after five executions, for both workers by the same name.
    for _ in range(10):
        for engine in engines:
            with engine.begin() as connection:
                assert connection.execute(sa.select(sa.literal(3))).scalar() == 3
    for engine in engines:
        engine.dispose()


@pytest.mark.exhaustive
def test_workers_find_the_new_primary_after_a_failover(tmp_path_factory):
    primary = Postgres(tmp_path_factory.mktemp("primary"))
    standby = Standby(primary.url)
    try:
        standby.start()
        first, second = sa.make_url(primary.url), standby.url
        hosts = f"{first.query['host']},{second.query['host']}"
        url = first.set(query={"host": hosts, "target_session_attrs": "read-write"})
        engine = make_engine({"sqlalchemy.url": url.render_as_string(hide_password=False)})
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE stored_row AS SELECT 1 AS n")
        standby.catch_up()

        primary.kill()
        standby.promote()

        # The first attempt may use a connection to the old primary, which pre-ping replaces.
        with engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO stored_row VALUES (2)")
            rows = list(connection.exec_driver_sql("SELECT n FROM stored_row ORDER BY n").scalars())
        assert rows == [1, 2]
        engine.dispose()
    finally:
        standby.remove()
