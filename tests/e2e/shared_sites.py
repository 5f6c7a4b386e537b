"""Sites that tests share, because starting a site takes longer than most tests."""

import shutil
import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from ports import free_port

from .config import SiteConfiguration
from .sites import (
    DATABASE_NAME,
    Site,
    copy_checkout,
    imported_schedule,
    parse_live_rooms,
    replace_file,
    run_in_checkout,
    serving_site,
)

# More sites need too much memory; the tests of a module share one or two.
MAX_SITES = 8
# Creating an account is slow, and the server caches its keys.
PRESERVED_TABLES = {"alembic_version", "account", "server_key", "salt"}


class SharedSite:
    """A site that can be reset."""

    def __init__(
        self, root: Path, folder: Path, environment, configuration: SiteConfiguration
    ) -> None:
        self._stack = ExitStack()
        checkout = copy_checkout(root, folder)
        configuration.write(checkout)
        self._run_command = partial(run_in_checkout, checkout, environment)
        self.site: Site = self._stack.enter_context(
            serving_site(checkout, environment, free_port())
        )

    @property
    def is_alive(self) -> bool:
        return self.site.process.poll() is None

    def reset(self) -> None:
        """Delete the data of earlier tests, and wait until no page shows it."""
        var = self.site.checkout / "var"
        replace_file(
            var / "schedule.json", imported_schedule(self.site.checkout, self._run_command)
        )
        for folder in ("previews", "endpoint-logs"):
            shutil.rmtree(var / folder, ignore_errors=True)
        if self._delete_rows(var / DATABASE_NAME):
            # Any POST invalidates the tracker's response cache; the frontend polls the tracker.
            self.site.post("/tracker/none")
            self.site.wait_for(
                lambda: not parse_live_rooms(self.site.text("/")), 20, "no live room"
            )
        self.site.reset_log()

    def _delete_rows(self, database: Path) -> bool:
        """Delete the data of tests; return whether an endpoint was registered."""
        deleted = {}
        with closing(sqlite3.connect(database, timeout=10, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {name for (name,) in tables if not name.startswith("sqlite_")}
            for name in names - PRESERVED_TABLES:
                deleted[name] = connection.execute(f'DELETE FROM "{name}"').rowcount
            connection.execute("COMMIT")
        return deleted["endpoint"] > 0

    def close(self) -> None:
        self._stack.close()


class SharedSites:
    """The sites of a test run, by configuration. The least recently used ones are closed."""

    def __init__(self, root: Path, new_folder, environment) -> None:
        self._root, self._new_folder, self._environment = root, new_folder, environment
        self._sites: dict[str, SharedSite] = {}

    def get(self, configuration: SiteConfiguration) -> Site:
        """Return a site with a configuration, without data of earlier tests."""
        key = configuration.digest
        shared = self._sites.pop(key, None)
        if shared and not shared.is_alive:
            shared.close()
            shared = None
        if shared is None:
            shared = SharedSite(
                self._root, self._new_folder("site"), self._environment, configuration
            )
        self._sites[key] = shared
        while len(self._sites) > MAX_SITES:
            self._sites.pop(next(iter(self._sites))).close()
        shared.reset()
        return shared.site

    def close(self) -> None:
        for shared in self._sites.values():
            shared.close()
