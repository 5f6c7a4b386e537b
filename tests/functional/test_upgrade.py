"""A site of the previous release, with data, a plugin and a theme, runs on this version."""

import os
import re
import shutil
import sqlite3
import subprocess
from contextlib import closing

import pytest
from ports import free_port

from .test_first_event import BIN, serving

PREVIOUS, REVISION = "0.2.0", "a94c1f6e2d70"
PLUGIN = """
from streaming_system.plugin import Parser, Talk, hookimpl

@hookimpl
def register_parsers():
    return [Parser(name="ours", summary="ours", recognise=lambda feed: 0.0, parse=lambda *_: [])]

@hookimpl
def event_filter(talk):
    return "Opening" not in talk.title
"""
ROWS = """
INSERT INTO account (name, password_hash, role, created_at)
VALUES ('ada', 'x', 'admin', '2026-11-30 10:00:00');
INSERT INTO annotation (at, label, room, created_by)
VALUES ('2026-11-30 10:00:00', 'The doors open', '', 'ada');
"""


@pytest.fixture
def old_site(root, tmp_path):
    """The folder of a site as the previous release left it; returns a function for commands."""
    files = root / "tests/functional/upgrade" / PREVIOUS
    shutil.copytree(files, tmp_path, dirs_exist_ok=True)
    (tmp_path / "alembic").symlink_to(root / "alembic")
    for name in ("plugins", "brand", "conf", "theme"):
        (tmp_path / name).mkdir()
    shutil.copy(root / "conf/sample-event.json", tmp_path / "conf")
    (tmp_path / "plugins/ours.py").write_text(PLUGIN)
    (tmp_path / "theme/theme.json").write_text('{"radius": 7}')
    edit(tmp_path / "config.json", '"reload"', '"theme": "./theme",\n"reload"')

    def run(*command, status=0):
        done = subprocess.run(
            [BIN / command[0], *command[1:]], cwd=tmp_path, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    return tmp_path, run


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
def test_site_of_the_previous_release_runs_after_the_documented_steps(old_site, root):
    folder, run = old_site
    ini = "development.ini"

    check = run("streaming-system", "-c", ini, "config", "check", status=1)
    assert "has a new name: use outbound.allowed_private_networks" in check
    edit(folder / ini, "outbound.private =", "outbound.allowed_private_networks =")
    check = run("streaming-system", "-c", ini, "config", "check", status=1)
    assert "the hook 'event_filter' is now called 'filter_talk': rename it" in check
    edit(folder / "plugins/ours.py", "event_filter", "filter_talk")
    run("streaming-system", "-c", ini, "config", "check")
    notes = (root / "docs/how-to/upgrading.md").read_text()
    assert "`outbound.allowed_private_networks`" in notes
    assert "`event_filter` is `filter_talk`" in notes

    run("alembic", "-c", ini, "upgrade", REVISION)
    with closing(sqlite3.connect(folder / "var/tracker.sqlite")) as database, database:
        database.executescript(ROWS)
    port = free_port()
    command = [BIN / "streaming-system", "-c", ini, "serve", "--listen", f"127.0.0.1:{port}"]
    with serving(command, folder, os.environ, port) as site:
        assert site.text("/tracker/readyz")
        page = site.text("/schedule?day=all")
        assert "<h1" in page
        assert "Opening: a conference" not in page
        [sheet] = re.findall(r'href="(/theme/[^"]+\.css)"', page)
        assert "7px" in site.text(sheet)
    assert "ada" in run("streaming-system", "-c", ini, "admin", "list")
    with closing(sqlite3.connect(folder / "var/tracker.sqlite")) as database:
        assert database.execute("SELECT label FROM annotation").fetchall() == [("The doors open",)]
