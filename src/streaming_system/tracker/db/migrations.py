"""Creates and migrates the database with the migrations of this version."""

from collections.abc import Mapping
from pathlib import Path

import alembic.command
import alembic.config

import streaming_system

_PACKAGE = Path(streaming_system.__file__).parent
# A wheel has the migrations in the package, a checkout in its top folder.
FOLDERS = (_PACKAGE / "migrations", _PACKAGE.parents[1] / "alembic")


def migrate_database(settings: Mapping[str, str]) -> None:
    """Create the database of ``[app:tracker]``, or migrate it; log each migration on stderr.

    :raises StartupError: if the database is unusable.
    """
    folder = next(folder for folder in FOLDERS if (folder / "env.py").is_file())
    config = alembic.config.Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["settings"] = settings
    alembic.command.upgrade(config, "head")
