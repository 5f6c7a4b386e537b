"""Sites that tests share: starting one costs more than most tests. Each test finds it as new."""

import shutil
import sqlite3
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from ports import free_port

from .config import SiteConfiguration
from .served import (
    DATABASE_NAME,
    Site,
    copy_checkout,
    imported_schedule,
    parse_live_rooms,
    replace_file,
    run_in_checkout,
    serving_site,
)

# More of them take memory; tests of a module share one or two.
MAX_SITES = 8
# An account takes long to create, and the server remembers its own keys.
PRESERVED_TABLES = {"alembic_version", "account", "server_key", "salt"}


class SharedSite:
    """A site, and how to make it as good as new."""

    def __init__(
        self, root: Path, folder: Path, environment, configuration: SiteConfiguration
    ) -> None:
        self._stack = ExitStack()
        checkout = copy_checkout(root, folder)
        configuration.write(checkout)
        self._run = partial(run_in_checkout, checkout, environment)
        self.site: Site = self._stack.enter_context(
            serving_site(checkout, environment, free_port())
        )

    @property
    def is_alive(self) -> bool:
        return self.site.process.poll() is None

    def reset(self) -> None:
        """Take away what an earlier test has left, and wait until no page shows it."""
        var = self.site.checkout / "var"
        replace_file(var / "schedule.json", imported_schedule(self.site.checkout, self._run))
        for folder in ("previews", "endpoint-logs"):
            shutil.rmtree(var / folder, ignore_errors=True)
        if self._delete_rows(var / DATABASE_NAME):
            # The tracker has its answers made again after any POST; pages ask it now and then.
            self.site.post("/tracker/none")
            self.site.wait_for(
                lambda: not parse_live_rooms(self.site.text("/")), 20, "no live room"
            )
        self.site.forget_log()

    def _delete_rows(self, database: Path) -> bool:
        """Delete what tests have caused; return whether servers had registered."""
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
    """The sites of a test run, by configuration. Those not used for longest are closed."""

    def __init__(self, root: Path, new_folder, environment) -> None:
        self._root, self._new_folder, self._environment = root, new_folder, environment
        self._sites: dict[str, SharedSite] = {}

    def get(self, configuration: SiteConfiguration) -> Site:
        """Return a site with that configuration, as good as new."""
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
