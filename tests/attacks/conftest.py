"""A whole site, as it is installed, to be attacked: real nginx before real workers."""

import json
import time
from datetime import UTC, datetime

import pytest
from functional.conftest import migrate, postgresql  # noqa: F401 - These are fixtures.
from functional.proxy.site import VENUE, Site
from programs import require
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine

# What must never be seen in a log or an answer.
SECRET = "s3cret of the proxy"
PASSWORD = "correct horse of ada"
WEBHOOK = "https://chat.example/hooks/t0ken-of-the-chat"


class Target(Site):
    """The site, what it logs, and what the crew knows."""

    def logs(self):
        """Return all that any of its processes has written."""
        files = [*self.folder.glob("*.log"), *self.folder.glob("nginx/*.log")]
        return "\n".join(file.read_text(errors="replace") for file in files)

    def paths(self, marker):
        """Return all paths that the apps were asked for, once they have a new one in their logs."""
        for prefix in ("", "/tracker"):
            assert self.get(f"{prefix}/marker/{marker}").status == 404
        give_up = time.monotonic() + 30
        wanted = {f"/marker/{marker}", f"/tracker/marker/{marker}"}
        while True:
            logs = [program.said for program in self.workers.values()]
            found = [line.get("path") for log in logs for line in map(read_line, log.splitlines())]
            if wanted <= set(found):
                return [path for path in found if path]
            assert time.monotonic() < give_up, found[-20:]
            time.sleep(0.05)


def read_line(line):
    """Return a line of a log as an object; pserve's own first words are none."""
    return json.loads(line) if line.startswith("{") else {}


@pytest.fixture(scope="session")
def target(tmp_path_factory, migrate):  # noqa: F811
    """A site with a venue, an account of the crew, a token, and a log of all that is asked."""
    require("nginx")
    folder = tmp_path_factory.mktemp("attacked")
    settings = [
        ("app:frontend", "set access_log", "true"),
        ("app:tracker", "set access_log", "true"),
        ("app:tracker", "plugin.webhook.url", WEBHOOK),
        ("app:tracker", "limit.logins", "off"),
    ]
    target = Target(folder, localips=[f"^{VENUE}$"], marks=("log",), settings=settings)
    url = f"sqlite:///{folder}/var/tracker.sqlite"
    migrate(url)
    engine = make_engine({"sqlalchemy.url": url})
    with Session(engine) as db:
        now = datetime.now(UTC)
        Accounts(db).create("ada", PASSWORD, now=now)
        _, target.token = Tokens(db).issue(label="x", scope="crew", created_by="ada", now=now)
        db.commit()
    engine.dispose()
    try:
        yield target.start(frontends=1, trackers=1)
    finally:
        target.stop()
