"""Brings the tracker's database from one schema to the next: `alembic -c INI upgrade head`.

`streaming-system tracker migrate` and `serve` run it, too, with settings that they have loaded.
"""

import hashlib
import sys
import time
from pathlib import Path

import sqlalchemy as sa
from alembic.script.revision import ResolutionError
from alembic.util import CommandError

from alembic import context
from streaming_system.config.ini import SettingsError, load_app_settings
from streaming_system.tracker.db.session import make_engine, startup_errors
from streaming_system.tracker.history.partitions import is_lock_timeout, partition_names
from streaming_system.tracker.models import Base, UtcDateTime
from streaming_system.tracker.settings import StartupError
from streaming_system.util.private_files import make_private_file, make_private_folder

# The key of PostgreSQL's advisory lock; the hash avoids collisions with other programs.
LOCK = int.from_bytes(hashlib.sha256(b"streaming-system migrate").digest()[:8], "big", signed=True)
# Statements queue behind a migration that waits for a table lock, so it gives up soon and retries.
LOCK_TIMEOUT = "3s"
# Queued statements proceed between two attempts.
MAX_ATTEMPTS, RETRY_INTERVAL = 20, 3  # seconds


def run() -> None:
    """Migrate the database of ``[app:tracker]``, or one that a test has connected to already."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    settings = context.config.attributes.get("settings")
    if settings is None:
        settings = load_app_settings(Path(context.config.config_file_name), "tracker")
    engine = make_engine(settings)
    make_file(engine.url)
    with startup_errors():
        connection = engine.connect()
    with connection:
        if connection.dialect.name == "postgresql":
            migrate_beside_others(connection)
        else:
            with connection.begin():
                migrate(connection)
    engine.dispose()


def migrate_beside_others(connection) -> None:
    """Migrate when no other machine does; retry while transactions hold a table lock."""
    for left in reversed(range(MAX_ATTEMPTS)):
        try:
            with connection.begin():
                # Of two machines, the second one finds the work done.
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                migrate(connection)
            return
        except sa.exc.OperationalError as error:
            if not is_lock_timeout(error):
                raise
            if not left:
                raise StartupError(
                    "another connection has locked a table for too long (pg_stat_activity lists "
                    "it): nothing has changed; try again later"
                ) from None
        sys.stderr.write("Database: another connection has locked a table; retrying\n")
        time.sleep(RETRY_INTERVAL)


def make_file(url) -> None:
    """Make an SQLite file and its folder, both hidden from other users; other databases live
    elsewhere.
    """
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    folder = Path(url.database).parent
    try:
        make_private_folder(folder)
        make_private_file(Path(url.database))
    except OSError as error:
        raise StartupError(
            f"the folder of sqlalchemy.url in the ini file ({folder}) cannot be made: "
            f"{error.strerror}; allowed: a path that the program may write to"
        ) from None


def migrate(connection) -> None:
    """Run the migrations over a connection that is in a transaction."""
    parts = partition_names(connection)
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_name=lambda name, kind, _: kind != "table" or name not in parts,
        # SQLite alters a table by making a new one.
        render_as_batch=connection.dialect.name == "sqlite",
        # A migration stays as it was written when our types change.
        render_item=lambda kind, item, _: (
            "sa.DateTime(timezone=True)" if isinstance(item, UtcDateTime) else False
        ),
        on_version_apply=lambda step, **_: sys.stderr.write(
            f"Database: {'up to' if step.is_upgrade else 'down from'} {step.up_revision.doc}\n"
        ),
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
    except CommandError as error:
        if not isinstance(error.__cause__, ResolutionError):
            raise
        raise StartupError(
            f"the database is at revision {error.__cause__.argument}, which this version does not "
            "know; install the version that wrote it, or restore a backup into an empty database"
        ) from None


try:
    run()
except (SettingsError, StartupError) as error:
    if "settings" in context.config.attributes:
        raise
    sys.exit(str(error))
