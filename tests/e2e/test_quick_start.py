"""What the README promises, done by its own commands."""

import json
import os
import pty
import re
import select
from datetime import UTC, datetime

import pytest

from .served import parse_live_rooms, run_in_checkout

# The environment is there: nothing may be installed again, least of all over the one in use.
MAKE = ("make", "--no-print-directory", "-o", ".venv/made", "-o", ".venv/installed")
COMMAND = ".venv/bin/streaming-system"


def test_from_make_testserve_to_a_live_room(checkout, serve, run, free_port):
    url = f"http://127.0.0.1:{free_port}"
    testserve = (*MAKE, f"ARGS=127.0.0.1:{free_port}", "testserve")

    with serve(*testserve, url=url) as site:
        # Without a terminal it goes on, and says which command creates the account.
        assert (
            "There is no admin account yet. To create one: .venv/bin/streaming-system " in site.log
        )
        assert ("Warning: the site runs as root" in site.log) == (os.getuid() == 0)
        assert "Traceback" not in site.log
        assert parse_live_rooms(site.text("/")) == []

        encoder = run(
            COMMAND, "encoder", "fake", "--ip", "127.0.0.1", "--server", f"{url}/tracker",
            "--count", "2", "--interval", "0.2",
        )  # fmt: skip

        assert (encoder.returncode, encoder.stderr) == (0, "")
        lines = encoder.stdout.splitlines()
        assert len(lines) == 2
        for line in lines:
            assert re.fullmatch(
                r"Registered example at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} result OK", line
            )

        site.wait_for(
            lambda: parse_live_rooms(site.text("/")) == ["example"],
            10,
            "example is live on the index",
        )
        now, following = json.loads(site.text("/example/json"))
        page = site.text("/example")
        assert now["title"] in page
        assert following["title"] in page
        assert now["generated"] is following["generated"] is False
        start, end = (datetime.fromisoformat(now[key]) for key in ("start", "end"))
        assert start <= datetime.now(UTC) < end
        assert site.text("/tracker/streams.js").strip() == 'var streamers_active = ["example"];'
        assert "127.0.0.1" in site.text("/tracker/endpoint/stats")

    database = (checkout / "var/tracker.sqlite").stat()
    with serve(*testserve, url=url) as site:
        # The second time nothing is set up again.
        assert site.log.count("Wrote ") == 1
        assert (checkout / "var/tracker.sqlite").stat().st_ino == database.st_ino


@pytest.mark.exhaustive
def test_a_room_whose_encoder_has_ended_leaves_the_index(own_site):
    own_site.register("example")
    own_site.wait_for(lambda: parse_live_rooms(own_site.text("/")) == ["example"], 10, "it is live")

    own_site.wait_for(
        lambda: parse_live_rooms(own_site.text("/")) == [], 70, "it has left the index"
    )


def test_a_refused_encoder_ends_with_one_clear_line(site, clean_environment):
    fake = (COMMAND, "encoder", "fake", "--server", f"{site.url}/tracker", "--count", "1")
    for arguments, said in (
        (("--secret", "wrong"), "example is refused: 403 ERROR SECRET"),
        (("--group", "nowhere"), "nowhere is refused: 4"),
        (("--ip", "not-an-address"), "example is refused: 400 ERROR "),
    ):
        refused = run_in_checkout(site.checkout, clean_environment, *fake, *arguments)

        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.count("\n") == 1
        assert f"{site.url}/tracker/endpoint/register: {said}" in refused.stderr


def test_make_distclean_takes_away_what_make_has_made_and_nothing_else(
    checkout, serve, run, free_port
):
    (checkout / ".venv").unlink()
    before = files(checkout)
    (checkout / ".venv").symlink_to(os.environ.get("VIRTUAL_ENV") or _prefix())
    testserve = (*MAKE, f"ARGS=127.0.0.1:{free_port}", "testserve")
    with serve(*testserve, url=f"http://127.0.0.1:{free_port}"):
        assert (checkout / "var/tracker.sqlite").exists()
        assert (checkout / "var/schedule.json").exists()
    (checkout / "var/notes.txt").write_text("mine")

    assert run("make", "distclean").returncode == 0

    assert files(checkout) == before | {"var/notes.txt"}


def _prefix():
    import sys

    return sys.prefix


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_a_first_start_in_a_terminal_asks_for_an_admin_account(checkout, run, clean_environment):
    assert run(*MAKE, "initdb").returncode == 0
    create = (COMMAND, "-c", "development.ini", "admin", "create", "--if-none")

    answers = {
        "Name: ": "ada\n",
        "Password: ": "correct horse\n",
        "confirmation: ": "correct horse\n",
    }

    said = in_terminal(create, checkout, clean_environment, answers)

    assert "choose a name and a password" in said
    assert "Created the admin account ada" in said
    assert "correct horse" not in said
    # Asked once only.
    again = run(*create)
    assert (again.returncode, again.stdout) == (0, "")


def in_terminal(command, folder, environment, answers):
    """Run a command in a terminal, answer its questions in order, return what it wrote."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)
    said = b""
    waiting = list(answers.items())
    try:
        while chunk := _read(terminal):
            said += chunk
            if waiting and said.endswith(waiting[0][0].encode()):
                os.write(terminal, waiting.pop(0)[1].encode())
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return said.decode()


def _read(terminal):
    ready, _, _ = select.select([terminal], [], [], 30)
    assert ready, "the command says nothing and does not end"
    try:
        return os.read(terminal, 4096)
    except OSError:  # The terminal is gone with the program that had it.
        return b""
