"""An installed site as the target of attacks: real nginx and real workers."""

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

# These must never be in a log or a response.
SECRET = "s3cret of the proxy"
PASSWORD = "correct horse of ada"
WEBHOOK = "https://chat.example/hooks/t0ken-of-the-chat"


class Target(Site):
    """The site, its logs, and the secrets of the crew."""

    def logs(self):
        """Return the logs of all processes."""
        files = [*self.folder.glob("*.log"), *self.folder.glob("nginx/*.log")]
        return "\n".join(file.read_text(errors="replace") for file in files)

    def paths(self, marker):
        """Return the paths of all requests to the apps, up to a marker request."""
        for prefix in ("", "/tracker"):
            assert self.get(f"{prefix}/marker/{marker}").status == 404
        deadline = time.monotonic() + 30
        markers = {f"/marker/{marker}", f"/tracker/marker/{marker}"}
        while True:
            logs = [program.output for program in self.workers.values()]
            paths = [line.get("path") for log in logs for line in map(parse_line, log.splitlines())]
            if markers <= set(paths):
                return [path for path in paths if path]
            assert time.monotonic() < deadline, paths[-20:]
            time.sleep(0.05)


def parse_line(line):
    """Parse a JSON log line; return an empty object for pserve's start message."""
    return json.loads(line) if line.startswith("{") else {}


@pytest.fixture(scope="session")
def target(tmp_path_factory, migrate):  # noqa: F811
    """A site with a venue, a crew account, a token, and access logs."""
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
