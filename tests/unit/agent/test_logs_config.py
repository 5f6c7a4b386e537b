"""Configuration of log shipping in agent.ini."""

from pathlib import Path

import pytest

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.config_section import AgentConfigError
from streaming_system.agent.logs.config import LogFile, LogsConfig, parse_logs_config

GOOD = """
[agent]
trackers = https://live.example.org/tracker
secret = a secret
name = edge1
[logs]
files =
    /var/log/nginx/hall=1.log = hall
    lab.log = lab   ; beside this file
spool = 1G
batch = 512k
interval = 2.5
status = off
"""


@pytest.fixture
def logs(tmp_path):
    """Return a function that writes an agent.ini and parses its logs."""

    def logs(text):
        file = tmp_path / "agent.ini"
        file.write_text(text)
        return parse_logs_config(load_agent_config(file))

    return logs


def test_section_is_parsed(logs, tmp_path):
    assert logs(GOOD) == LogsConfig(
        files=(
            LogFile(path=Path("/var/log/nginx/hall=1.log"), room="hall"),
            LogFile(path=tmp_path / "lab.log", room="lab"),
        ),
        max_spool_bytes=2**30,
        max_batch_bytes=512 * 1024,
        interval=2.5,
        status=None,
    )


def test_only_files_are_required(logs):
    config = logs(GOOD.partition("spool")[0])

    assert (config.max_spool_bytes, config.max_batch_bytes, config.interval) == (2**30, 2**20, 5)
    assert config.status == ("127.0.0.1", 9183)


def test_commented_example_is_valid(logs, root):
    _, header, text = (root / "conf/agent.ini.example").read_text().partition("#[logs]\n")
    section, _, _ = (header + text).partition("\n\n")
    lines = [line[1:] for line in section.splitlines() if line[:3] == "#  " or line[1] != " "]

    config = logs(GOOD.partition("[logs]")[0] + "\n".join(lines))

    assert config == LogsConfig(
        files=(LogFile(path=Path("/var/log/nginx/hall.access.log"), room="hall"),),
        max_spool_bytes=2**30,
        max_batch_bytes=2**20,
        interval=5,
        status=("127.0.0.1", 9183),
    )


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("secret = a secret", "", "[agent] secret: is missing; allowed: the tracker's secret, whi"),
        ("[logs]", "[preview]", "agent.ini: has no section [logs]"),
        (
            "= hall",
            "= the hall",
            "[logs] files: is '/var/log/nginx/hall=1.log = the hall'; allowed",
        ),
        ("lab.log = lab", "lab.log", "[logs] files: is 'lab.log'; allowed: PATH = ROOM, one a"),
        ("lab.log", "/var/log/nginx/hall=1.log", "allowed: every file once only"),
        ("files =", "file =", "[logs] files: is missing; allowed: PATH = ROOM, one a line"),
        ("spool = 1G", "spool = 1000", "[logs] spool: is '1000'; allowed: bytes, such as 512k or"),
        ("spool = 1G", "spol = 1G", "[logs] spol: is no key; allowed: batch, files, interval, sp"),
        (
            "batch = 512k",
            "batch = 4M",
            "[logs] batch: is '4M'; allowed: bytes, such as 512k or 256",
        ),
        ("batch = 512k", "batch = lots", "256M, 64k to 4032k"),
        ("interval = 2.5", "interval = 0", "[logs] interval: is '0'; allowed: a number, 0.2 to 60"),
        ("status = off", "status = 0.0.0.0:80", "[logs] status: is '0.0.0.0:80'; allowed: a loop"),
    ],
)
def test_error_is_one_line_with_place_and_allowed_values(logs, old, new, line):
    assert old in GOOD

    with pytest.raises(AgentConfigError) as error:
        logs(GOOD.replace(old, new, 1))

    assert line in str(error.value)
    assert str(error.value).startswith("agent.ini: ")
