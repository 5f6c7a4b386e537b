"""The quick start of the README, with its commands."""

import json
import os
import pty
import re
import select
from datetime import UTC, datetime

import pytest

from .sites import parse_live_rooms, run_in_checkout

# Treat the environment as up to date: make must not install into the environment in use.
MAKE = ("make", "--no-print-directory", "-o", ".venv/made", "-o", ".venv/installed")
COMMAND = ".venv/bin/streaming-system"


def test_make_testserve_and_a_fake_encoder_show_a_live_room(
    checkout, serve_command, run_command, free_port
):
    url = f"http://127.0.0.1:{free_port}"
    testserve = (*MAKE, f"ARGS=127.0.0.1:{free_port}", "testserve")

    with serve_command(*testserve, url=url) as site:
        # Without a terminal it continues, and shows the command that creates an account.
        assert (
            "There is no admin account yet. To create one: .venv/bin/streaming-system " in site.log
        )
        assert ("Warning: the site runs as root" in site.log) == (os.getuid() == 0)
        assert "Traceback" not in site.log
        assert parse_live_rooms(site.text("/")) == []

        encoder = run_command(
            COMMAND, "agent", "fake-encoder", "--ip", "127.0.0.1", "--server", f"{url}/tracker",
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
    with serve_command(*testserve, url=url) as site:
        # The second start sets up nothing.
        assert site.log.count("Wrote ") == 1
        assert (checkout / "var/tracker.sqlite").stat().st_ino == database.st_ino


@pytest.mark.exhaustive
def test_room_without_reports_leaves_the_index(own_site):
    own_site.register("example")
    own_site.wait_for(lambda: parse_live_rooms(own_site.text("/")) == ["example"], 10, "it is live")

    own_site.wait_for(
        lambda: parse_live_rooms(own_site.text("/")) == [], 70, "it has left the index"
    )


def test_rejected_fake_encoder_exits_with_one_line(site, clean_environment):
    fake = (COMMAND, "agent", "fake-encoder", "--server", f"{site.url}/tracker", "--count", "1")
    for arguments, message in (
        (("--secret", "wrong"), "example is refused: 200 ERROR SECRET"),
        (("--group", "nowhere"), "nowhere is refused: 200 ERROR GROUP"),
        (("--ip", "not-an-address"), "example is refused: 200 ERROR REMOTE_ADDR "),
    ):
        rejected = run_in_checkout(site.checkout, clean_environment, *fake, *arguments)

        assert (rejected.returncode, rejected.stdout) == (1, "")
        assert rejected.stderr.count("\n") == 1
        assert f"{site.url}/tracker/endpoint/register: {message}" in rejected.stderr


def test_make_distclean_removes_only_what_make_has_created(
    checkout, serve_command, run_command, free_port
):
    (checkout / ".venv").unlink()
    before = list_files(checkout)
    (checkout / ".venv").symlink_to(os.environ.get("VIRTUAL_ENV") or _prefix())
    testserve = (*MAKE, f"ARGS=127.0.0.1:{free_port}", "testserve")
    with serve_command(*testserve, url=f"http://127.0.0.1:{free_port}"):
        assert (checkout / "var/tracker.sqlite").exists()
        assert (checkout / "var/schedule.json").exists()
    (checkout / "var/notes.txt").write_text("mine")

    assert run_command("make", "distclean").returncode == 0

    assert list_files(checkout) == before | {"var/notes.txt"}


def _prefix():
    import sys

    return sys.prefix


def list_files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_first_start_in_a_terminal_creates_an_admin_account(
    checkout, run_command, clean_environment
):
    assert run_command(*MAKE, "initdb").returncode == 0
    create = (COMMAND, "-c", "development.ini", "admin", "create", "--if-none")

    inputs = {
        "Name: ": "ada\n",
        "Password: ": "correct horse\n",
        "confirmation: ": "correct horse\n",
    }

    output = run_in_terminal(create, checkout, clean_environment, inputs)

    assert "choose a name and a password" in output
    assert "Created the admin account ada" in output
    assert "correct horse" not in output
    # The second run does nothing.
    again = run_command(*create)
    assert (again.returncode, again.stdout) == (0, "")


def run_in_terminal(command, folder, environment, inputs):
    """Run a command in a terminal, enter inputs at its prompts, and return its output."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe(command[0], command, environment)
    output = b""
    waiting = list(inputs.items())
    try:
        while chunk := _read_chunk(terminal):
            output += chunk
            if waiting and output.endswith(waiting[0][0].encode()):
                os.write(terminal, waiting.pop(0)[1].encode())
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return output.decode()


def _read_chunk(terminal):
    ready, _, _ = select.select([terminal], [], [], 30)
    assert ready, "the command neither prints nor exits"
    try:
        return os.read(terminal, 4096)
    except OSError:  # The program has exited, and its terminal is closed.
        return b""
