"""The units of conf/, as systemd reads them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .agent.servers import needs, where

ROOT = Path(__file__).parents[2]
UNITS = sorted(path.name for path in (ROOT / "conf").glob("streaming-*.service"))


@pytest.fixture(autouse=True)
def analyze():
    """Skip where there is no systemd."""
    needs("systemd-analyze", where("systemd-analyze"))


def ask(*words, **more):
    return subprocess.run(
        ["systemd-analyze", *words], capture_output=True, text=True, check=False, **more
    )


@pytest.mark.parametrize("name", UNITS)
def test_a_service_that_is_broken_into_can_do_little(name):
    done = ask("security", "--offline=yes", "--no-pager", "--threshold=20", ROOT / "conf" / name)

    assert done.returncode == 0, done.stdout + done.stderr


def unit(name):
    return (ROOT / "conf" / name).read_text()


def written(name):
    """Return the folders that a service may write to."""
    return re.findall(r"^ReadWritePaths=(.*)", unit(name), re.MULTILINE)


def test_who_runs_writes_only_what_it_has_to():
    state = "/var/lib/streaming-system"
    allowed = {name: written(name) for name in UNITS if not name.startswith("streaming-agent")}

    assert allowed == {
        # It replaces the schedule's file by a new one.
        "streaming-follow.service": [state],
        "streaming-frontend@.service": [],
        "streaming-preview.service": [f"{state}/previews"],
        "streaming-prune.service": [f"{state}/endpoint-logs"],
        "streaming-schedule.service": [state],
        "streaming-tracker@.service": [f"{state}/endpoint-logs"],
        "streaming-watch.service": [],
    }
    for name in allowed:
        assert re.findall(r"^(?:User|ProtectSystem)=(.*)", unit(name), re.MULTILINE) == [
            "streaming",
            "strict",
        ]
        # Code is whatever version is in service.
        assert "WorkingDirectory=/srv/website/current\n" in unit(name)
        assert "ExecStart=/srv/website/current/.venv/bin/" in unit(name)


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_workers_are_given_the_time_that_they_take_to_end(app):
    text = unit(f"streaming-{app}@.service")

    # drain_seconds is 30 unless the ini says something else.
    assert int(re.search(r"^TimeoutStopSec=(\d+)", text, re.MULTILINE)[1]) > 30
    assert "/pserve -q " in text


def test_folders_that_the_services_write_to_are_made(tmp_path):
    needs("systemd-tmpfiles", where("systemd-tmpfiles"))
    me, group = (
        subprocess.run(["id", word], capture_output=True, text=True, check=True).stdout.strip()
        for word in ("-un", "-gn")
    )
    text = (ROOT / "conf/tmpfiles.conf").read_text()
    text = text.replace(" streaming streaming ", f" {me} {group} ").replace(
        "root root", f"{me} {group}"
    )
    text = re.sub(r" /var/", f" {tmp_path}/var/", text)
    (tmp_path / "own.conf").write_text(text)

    done = subprocess.run(
        ["systemd-tmpfiles", "--create", tmp_path / "own.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    made = {f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_dir()}
    assert {path for name in UNITS for path in written(name)} <= made
    assert "/var/log/streaming-system" in made

    # What is left over goes; the previewer's list of its own pictures stays.
    previews = tmp_path / "var/lib/streaming-system/previews"
    for name in ("left.jpg.tmp", ".previews.json"):
        (previews / name).write_text("old")
    own = (tmp_path / "own.conf").read_text()
    (tmp_path / "own.conf").write_text(own.replace(" 7d", " 0"))
    subprocess.run(["systemd-tmpfiles", "--clean", tmp_path / "own.conf"], check=True)
    assert [path.name for path in previews.iterdir()] == [".previews.json"]


def test_the_log_of_deployments_is_rotated(tmp_path):
    needs("logrotate", where("logrotate"))
    log = tmp_path / "setup.log"
    log.write_text("a line\n" * 2_000_000)
    me, group = (
        subprocess.run(["id", word], capture_output=True, text=True, check=True).stdout.strip()
        for word in ("-un", "-gn")
    )
    text = (ROOT / "conf/logrotate.conf").read_text()
    text = text.replace("/var/log/streaming-system", str(tmp_path)).replace(
        "root adm", f"{me} {group}"
    )
    (tmp_path / "own.conf").write_text(text)
    # It does not believe a file that others could have changed.
    (tmp_path / "own.conf").chmod(0o644)

    done = subprocess.run(
        [where("logrotate"), "-s", tmp_path / "state", tmp_path / "own.conf"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "setup.log.1").stat().st_size == 14_000_000
    assert log.read_text() == ""


def test_systemd_takes_all_of_them(tmp_path):
    programs = Path(sys.executable).parent
    for path in (ROOT / "conf").glob("streaming-*"):
        if path.suffix not in (".service", ".timer"):
            continue
        # What they start is installed here, and not where they expect it.
        text = path.read_text()
        text = re.sub(r"/srv/(streaming-system|website/current)/.venv/bin", str(programs), text)
        (tmp_path / path.name).write_text(text)
    names = [path.name.replace("@.", "@8101.") for path in tmp_path.iterdir()]
    assert {"streaming-frontend@8101.service", "streaming-prune.timer"} <= set(names)

    done = ask(
        "verify", "--man=no", *names, cwd=tmp_path, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    )

    said = [line for line in done.stderr.splitlines() if "streaming-" in line]
    assert (done.returncode, said) == (0, [])


def test_nginx_and_the_setup_know_the_same_workers():
    site = (ROOT / "conf/nginx.conf").read_text()
    setup = (ROOT / "conf/setup.sh").read_text()
    for app in ("frontend", "tracker"):
        block = re.search(rf"upstream streaming_{app} {{(.*?)}}", site, re.DOTALL)[1]
        listed = re.search(rf"{app.upper()}S=([0-9 ]+)}}", setup)[1]
        assert re.findall(r"server 127\.0\.0\.1:(\d+)", block) == listed.split()


def test_bash_can_read_the_setup():
    assert subprocess.run(["bash", "-n", ROOT / "conf/setup.sh"], check=False).returncode == 0
