"""The units of conf/, as systemd reads them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from .encoder.servers import needs, where

ROOT = Path(__file__).parents[2]
UNITS = sorted(path.name for path in (ROOT / "conf").glob("streaming-*.service"))
MOST = 2.0


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
    done = ask("security", "--offline=yes", "--no-pager", ROOT / "conf" / name)

    assert done.returncode == 0, done.stderr
    assert float(re.search(r"exposure level for .*: ([\d.]+)", done.stdout)[1]) <= MOST


def test_systemd_takes_all_of_them(tmp_path):
    programs = Path(sys.executable).parent
    for path in (ROOT / "conf").glob("streaming-*"):
        if path.suffix not in (".service", ".timer"):
            continue
        # What they start is installed here, and not where they expect it.
        text = path.read_text().replace("/srv/streaming-system/.venv/bin", str(programs))
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
        listed = re.search(rf"^{app}s=\((.*)\)", setup, re.MULTILINE)[1]
        assert re.findall(r"server 127\.0\.0\.1:(\d+)", block) == listed.split()


def test_bash_can_read_the_setup():
    assert subprocess.run(["bash", "-n", ROOT / "conf/setup.sh"], check=False).returncode == 0
