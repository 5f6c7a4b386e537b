"""`streaming-system init` and `serve`, as in docs/tutorials/first-event.md."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from ports import free_port

from functional.served_event import serving

BIN = Path(sys.executable).parent
REAL_FEEDS = ("EMF2018_emf.ics",)


def documented_blocks(root, language):
    """Return the tutorial's code blocks in one language."""
    text = (root / "docs/tutorials/first-event.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def documented_commands(root):
    """Return the commands of the tutorial, by their subcommand."""
    lines = "\n".join(documented_blocks(root, "sh")).splitlines()
    return [shlex.split(line) for line in lines if line]


@pytest.fixture
def environ():
    names = {name: value for name, value in os.environ.items() if not name.startswith("STREAMING")}
    return names | {"PATH": f"{BIN}:{os.environ['PATH']}"}


def test_documented_commands_lead_from_a_feed_to_a_site(root, tmp_path, environ):
    [feed] = documented_blocks(root, "xml")
    (tmp_path / "schedule.xml").write_text(feed)
    port = free_port()
    init, serve, fake_encoder = documented_commands(root)

    result = subprocess.run(
        init, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert "2 talks in 2 rooms on 15 May 2027 (schedule.xml, Europe/Berlin)" in result.stdout

    [ini] = tmp_path.glob("*/development.ini")
    ini.write_text(ini.read_text().replace("# reminders.contact", "reminders.contact"))
    listen = {"STREAMING_SYSTEM_LISTEN": f"127.0.0.1:{port}"}
    with serving(serve, tmp_path, environ | listen, port) as event:
        assert f"http://127.0.0.1:{port}/tracker/admin" in event.log
        assert "admin create NAME" in event.log
        index = event.text("/")
        for name in ("Our Conf", "Main Hall", "Café Zoë"):
            assert name in index
        assert "Soldering for all" in event.text("/schedule?day=all")
        assert '"Opening of everything"' in event.text("/schedule.json")
        assert event.text("/tracker/healthz") == "ok\n"
        event.text("/readyz")
        event.text("/tracker/readyz")

        server = ["--server", f"{event.url}/tracker", "--count", "1"]
        encoder = subprocess.run(
            [*fake_encoder, *server], cwd=tmp_path, env=environ, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert (encoder.returncode, encoder.stderr) == (0, "")
        event.wait_for(
            lambda: 'data-room="main_hall" data-live="true"' in event.text("/"), "the room is live"
        )

        processes = psutil.Process(event.process.pid).children(recursive=True)
        assert len(processes) >= 2
        # With a contact for push services, one of them sends reminders.
        assert any(process.cmdline()[-2:] == ["tracker", "watch"] for process in processes)
        event.process.send_signal(signal.SIGINT)
        assert event.process.wait(30) == 0, event.log
        assert not any(process.is_running() for process in processes)
        assert "Traceback" not in event.log


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", REAL_FEEDS)
def test_real_feed_becomes_a_site(shared, tmp_path, environ, name):
    port = free_port()
    feed = shared / "feeds/real" / name
    command = ["streaming-system", "init", "it", "--name", "It", "--feed", feed, "--yes"]
    result = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    talks, rooms = map(int, re.search(r"(\d+) talks? in (\d+) rooms?", result.stdout).groups())

    serve = ["streaming-system", "serve", "--listen", f"127.0.0.1:{port}"]
    # The working directory is the event's own.
    with serving(serve, tmp_path / "it", environ, port) as event:
        assert f"It, {rooms} room" in event.log
        assert event.text("/schedule.xml").count("<event ") >= talks


@pytest.mark.exhaustive
def test_all_processes_end_with_a_killed_serve(root, tmp_path, environ):
    [feed] = documented_blocks(root, "xml")
    (tmp_path / "schedule.xml").write_text(feed)
    port = free_port()
    init, serve, _ = documented_commands(root)
    subprocess.run(init, cwd=tmp_path, env=environ, capture_output=True, check=True)

    command = [*serve, "--listen", f"127.0.0.1:{port}"]
    with serving(command, tmp_path, environ, port) as event:
        processes = psutil.Process(event.process.pid).children(recursive=True)
        event.process.kill()
        event.process.wait()

    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []


@pytest.mark.exhaustive
def test_wheel_serves_an_event_without_a_checkout(root, tmp_path, environ):
    """A virtualenv with the wheel and its dependencies has all files that it needs."""
    build = [sys.executable, root / "tools/build_wheel.py", tmp_path / "dist"]
    subprocess.run(build, check=True, capture_output=True)
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    [wheel] = (tmp_path / "dist").iterdir()
    install = [sys.executable, "-m", "pip", "--python", venv / "bin/python", "install", "--quiet",
               "--no-deps", "--no-index", wheel]  # fmt: skip
    subprocess.run(install, check=True)
    (packages / "dependencies.pth").write_text(f"{_site_packages()}\n")
    [feed] = documented_blocks(root, "xml")
    (tmp_path / "schedule.xml").write_text(feed)
    port = free_port()
    init, serve, _ = documented_commands(root)
    program = venv / "bin/streaming-system"

    result = subprocess.run(
        [program, *init[1:]], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    command = [program, *serve[1:], "--listen", f"127.0.0.1:{port}"]
    with serving(command, tmp_path, environ, port) as event:
        assert "Soldering for all" in event.text("/schedule?day=all")
        assert json.loads(event.text("/tracker/readyz"))["commit"] != "unknown"
        playback = json.loads(event.text("/tracker/api/v1/rooms/main_hall/playback"))
        assert playback["viewers"]["players"] == 0
    command = [program, "production-files", tmp_path / "conf"]
    subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, check=True)
    assert (tmp_path / "conf/nginx.conf").read_text() == (root / "conf/nginx.conf").read_text()
    assert (tmp_path / "conf/streaming-tracker@.service").is_file()


def _site_packages():
    return Path(psutil.__file__).parents[1]
