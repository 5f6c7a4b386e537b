"""The systemd units, tmpfiles and logrotate configuration in conf/."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs import find, require

ROOT = Path(__file__).parents[2]
UNITS = sorted(path.name for path in (ROOT / "conf").glob("streaming-*.service"))


@pytest.fixture(autouse=True)
def _require_systemd_analyze():
    require("systemd-analyze")


def systemd_analyze(*arguments, **options):
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, **options
    )


def user_and_group():
    """Return the names of the user and group of this process."""
    return (
        subprocess.run(["id", option], capture_output=True, text=True, check=True).stdout.strip()
        for option in ("-un", "-gn")
    )


@pytest.mark.parametrize("name", UNITS)
def test_service_has_few_privileges(name):
    result = systemd_analyze(
        "security", "--offline=yes", "--no-pager", "--threshold=20", ROOT / "conf" / name
    )

    assert result.returncode == 0, result.stdout + result.stderr


def unit_text(name):
    return (ROOT / "conf" / name).read_text()


def writable_paths(name):
    """Return the paths that a service may write to."""
    return re.findall(r"^ReadWritePaths=(.*)", unit_text(name), re.MULTILINE)


def test_services_have_minimal_write_access():
    state = "/var/lib/streaming-system"
    allowed = {
        name: writable_paths(name) for name in UNITS if not name.startswith("streaming-agent")
    }

    assert allowed == {
        "streaming-backup.service": ["/var/backups/streaming"],
        # It replaces the schedule file atomically.
        "streaming-follow.service": [state],
        "streaming-frontend@.service": [f"{state}/workers"],
        "streaming-preview.service": [f"{state}/previews"],
        "streaming-prune.service": [f"{state}/endpoint-logs"],
        "streaming-schedule.service": [state],
        "streaming-tracker@.service": [
            f"{state}/endpoint-logs",
            f"{state}/workers",
            f"{state}/crew",
        ],
        "streaming-watch.service": [],
    }
    for name in allowed:
        assert re.findall(r"^(?:User|ProtectSystem)=(.*)", unit_text(name), re.MULTILINE) == [
            "streaming",
            "strict",
        ]
        # "current" is a link to the active version.
        assert "WorkingDirectory=/srv/website/current\n" in unit_text(name)
        assert re.search(
            r"^ExecStart=(/bin/sh -c 'exec )?/srv/website/current/\.venv/bin/",
            unit_text(name),
            re.MULTILINE,
        )


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_workers_have_enough_time_to_drain(app):
    text = unit_text(f"streaming-{app}@.service")

    # The default of drain_seconds is 30.
    assert int(re.search(r"^TimeoutStopSec=(\d+)", text, re.MULTILINE)[1]) > 30
    assert "/pserve -q " in text


@pytest.mark.parametrize("app", ["frontend", "tracker"])
def test_workers_may_open_more_files_than_connections(app):
    ini = configparser.RawConfigParser()
    ini.read(ROOT / "production.ini")
    text = unit_text(f"streaming-{app}@.service")
    limits = dict(re.findall(r"^(MemoryMax|TasksMax|LimitNOFILE)=(\w+)", text, re.MULTILINE))

    assert set(limits) == {"MemoryMax", "TasksMax", "LimitNOFILE"}
    assert int(limits["LimitNOFILE"]) >= 2 * ini.getint(f"server:{app}", "connection_limit")
    assert int(limits["TasksMax"]) >= 4 * ini.getint(f"server:{app}", "threads")


def test_documented_drop_in_is_part_of_the_unit():
    manual = (ROOT / "docs/how-to/prometheus.md").read_text()
    [drop_in] = re.findall(r"```ini\n\[Service\]\n(.*?)```", manual, re.DOTALL)

    assert set(drop_in.splitlines()) <= set(unit_text("streaming-tracker@.service").splitlines())


def test_tmpfiles_create_the_folders_of_services(tmp_path):
    require("systemd-tmpfiles")
    user, group = user_and_group()
    text = (ROOT / "conf/tmpfiles.conf").read_text()
    text = text.replace(" streaming streaming ", f" {user} {group} ").replace(
        "root root", f"{user} {group}"
    )
    text = re.sub(r" /var/", f" {tmp_path}/var/", text)
    config = tmp_path / "tmpfiles.conf"
    config.write_text(text)

    result = subprocess.run(
        ["systemd-tmpfiles", "--create", config],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (result.returncode, result.stderr) == (0, "")
    folders = {f"/{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_dir()}
    assert {path for name in UNITS for path in writable_paths(name)} <= folders
    assert "/var/log/streaming-system" in folders

    # Old files are deleted, except the manifest of the thumbnails.
    previews = tmp_path / "var/lib/streaming-system/previews"
    for name in ("left.jpg.tmp", ".previews.json"):
        (previews / name).write_text("old")
    config.write_text(config.read_text().replace(" 7d", " 0"))
    subprocess.run(["systemd-tmpfiles", "--clean", config], check=True)
    assert [path.name for path in previews.iterdir()] == [".previews.json"]


def test_log_of_deployments_is_rotated(tmp_path):
    require("logrotate")
    log = tmp_path / "setup.log"
    log.write_text("a line\n" * 2_000_000)
    user, group = user_and_group()
    text = (ROOT / "conf/logrotate.conf").read_text()
    text = text.replace("/var/log/streaming-system", str(tmp_path)).replace(
        "root adm", f"{user} {group}"
    )
    config = tmp_path / "logrotate.conf"
    config.write_text(text)
    # logrotate rejects a file that others can write to.
    config.chmod(0o644)

    result = subprocess.run(
        [find("logrotate"), "-s", tmp_path / "state", config],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "setup.log.1").stat().st_size == 14_000_000
    assert log.read_text() == ""


def test_systemd_accepts_all_units(tmp_path):
    programs = Path(sys.executable).parent
    for path in (ROOT / "conf").glob("streaming-*"):
        if path.suffix not in (".service", ".timer"):
            continue
        # The programs are installed in another folder than on a server.
        text = path.read_text()
        text = re.sub(r"/srv/(streaming-system|website/current)/.venv/bin", str(programs), text)
        (tmp_path / path.name).write_text(text)
    names = [path.name.replace("@.", "@8101.") for path in tmp_path.iterdir()]
    assert {"streaming-frontend@8101.service", "streaming-prune.timer"} <= set(names)

    result = systemd_analyze(
        "verify", "--man=no", *names, cwd=tmp_path, env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
    )

    warnings = [line for line in result.stderr.splitlines() if "streaming-" in line]
    assert (result.returncode, warnings) == (0, [])


def test_nginx_and_setup_have_the_same_workers():
    nginx = (ROOT / "conf/nginx.conf").read_text()
    setup = (ROOT / "conf/setup.sh").read_text()
    for app in ("frontend", "tracker"):
        block = re.search(rf"upstream streaming_{app} {{(.*?)}}", nginx, re.DOTALL)[1]
        ports = re.search(rf"{app.upper()}S=([0-9 ]+)}}", setup)[1]
        assert re.findall(r"server 127\.0\.0\.1:(\d+)", block) == ports.split()


def test_setup_is_valid_bash():
    assert subprocess.run(["bash", "-n", ROOT / "conf/setup.sh"], check=False).returncode == 0
