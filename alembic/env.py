"""Brings the tracker's database from one schema to the next: `alembic -c INI upgrade head`."""

import sys
from pathlib import Path

from alembic import context
from streaming_system.settings import SettingsError, read_ini
from streaming_system.tracker.db import make_engine, opening
from streaming_system.tracker.models import Base, UtcDateTime
from streaming_system.tracker.services.partitions import partitions_in
from streaming_system.tracker.settings import StartError


def run() -> None:
    """Migrate the database of ``[app:tracker]``, or one that a test has connected to already."""
    connection = context.config.attributes.get("connection")
    if connection is not None:
        migrate(connection)
        return
    settings = read_ini(Path(context.config.config_file_name), "tracker")
    engine = make_engine(settings)
    make_folder(engine.url)
    with opening():
        connection = engine.connect()
    with connection, connection.begin():
        migrate(connection)
    engine.dispose()


def make_folder(url) -> None:
    """Make the folder of an SQLite file; other databases live elsewhere."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"the folder of sqlalchemy.url in the ini file ({folder}) cannot be made: "
            f"{error.strerror}; allowed: a path that the program may write to"
        ) from None


def migrate(connection) -> None:
    """Run the migrations over a connection that is in a transaction."""
    parts = partitions_in(connection)
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
    with context.begin_transaction():
        context.run_migrations()


try:
    run()
except (SettingsError, StartError) as error:
    sys.exit(str(error))
