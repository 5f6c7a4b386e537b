"""`agent generate`: the files that it writes, and its errors."""

import json
import os
import re
import stat
import subprocess
from xml.etree import ElementTree

import pytest

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.server_setup.server_types import SERVER_TYPES

SERVERS = tuple(SERVER_TYPES)
TLS_URL = "https://edge1.example.org:8443/"


def load_passwords(folder):
    return json.loads((folder / "passwords.json").read_text())


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("url", ["", "http://edge1.example.org/streams/", TLS_URL])
def test_agent_ini_has_all_rooms_and_is_valid(generate, tmp_path, server, url):
    output = generate("--url", url, "--token-file", "-", server=server, input="t0ken\n")

    agent = load_agent_config(tmp_path / "edge/agent.ini")
    assert agent.token == "t0ken"
    [source] = agent.sources
    assert [stream.room for stream in source.streams] == ["hall", "no"]
    for stream in source.streams:
        assert stream.url.startswith(url.rstrip("/"))
        assert f"Viewers of {stream.room} play {stream.url}\n" in output


@pytest.mark.parametrize("server", SERVERS)
def test_only_the_owner_can_read_the_files(generate, tmp_path, server):
    generate(server=server)

    files = [path for path in (tmp_path / "edge").rglob("*") if path.is_file()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {"agent.ini", "passwords.json", "hall.sh", "no.sh"} < {path.name for path in files}


def test_each_room_has_its_own_password(generate, tmp_path):
    generate()

    passwords = load_passwords(tmp_path / "edge")
    values = [passwords["admin"], passwords["relay"], passwords["source"]]
    values += passwords["rooms"].values()
    assert len(set(values)) == len(values) == 5
    assert min(map(len, values)) >= 32
    root = ElementTree.parse(tmp_path / "edge/icecast.xml").getroot()
    mounts = {
        mount.findtext("mount-name"): mount.findtext("password") for mount in root.iter("mount")
    }
    assert mounts == {
        f"/{room}/webcast-high.webm": passwords["rooms"][room] for room in ("hall", "no")
    }
    assert f":{passwords['rooms']['hall']}@" in (tmp_path / "edge/publish/hall.sh").read_text()


def test_second_run_overwrites_only_with_force_and_preserves_passwords(generate, tmp_path, config):
    generate("--room", "hall")
    before = load_passwords(tmp_path / "edge")

    output = generate(status=1)
    assert output.count("\n") == 1
    assert f"{tmp_path}/edge/icecast.xml exists" in output
    assert load_passwords(tmp_path / "edge") == before

    generate("--force")
    after = load_passwords(tmp_path / "edge")
    assert after["rooms"]["hall"] == before["rooms"]["hall"]
    assert after["admin"] == before["admin"]
    assert set(after["rooms"]) == {"hall", "no"}


def test_private_configuration_has_the_rooms(generate, tmp_path, config):
    config.write_text('{"config": {}}')
    config.with_name("config.private.json").write_text('{"aula": {}}')

    assert "Publish aula: " in generate()


@pytest.mark.parametrize(
    ("site_playlist", "path", "reported"),
    [
        ("stream.m3u8", "stream.m3u8", ""),
        ("live.m3u8", "live.m3u8", "live.m3u8"),
        # Other paths are not file names below the base URL, so the agent reports another one.
        ("{room}/live.m3u8", "stream.m3u8", "stream.m3u8"),
    ],
)
def test_playlists_have_the_name_that_the_site_expects(
    generate, tmp_path, config, site_playlist, path, reported
):
    rooms = json.loads(config.read_text())
    config.write_text(json.dumps(rooms | {"config": {"hls-playlist": site_playlist}}))
    generate("--token-file", "-", server="nginx-rtmp", input="t0ken")

    [source] = load_agent_config(tmp_path / "edge/agent.ini").sources
    assert source.streams[0].file == reported
    text = (tmp_path / "edge/nginx.conf").read_text()
    assert f"/{re.escape(path)}$ $1/index.m3u8" in text


def test_icecast_streams_have_their_conventional_names(generate, tmp_path):
    output = generate("--stream", "webm_high", "--stream", "ogg", "--room", "hall")

    assert "/hall/webcast-high.webm\n" in output
    assert "/hall/webcast.ogg\n" in output
    script = (tmp_path / "edge/publish/hall.sh").read_text()
    assert script.count("icecast://") == 2
    assert subprocess.run(["sh", "-n"], input=script, text=True, check=False).returncode == 0


def test_encoders_of_other_machines_are_admitted_by_address(generate, tmp_path):
    options = ("--publisher", "192.0.2.0/24", "--publisher", "2001:db8::1")
    generate(*options, "--url", "https://edge1.example.org/", server="nginx-rtmp")

    text = (tmp_path / "edge/nginx.conf").read_text()
    assert re.findall(r"(?:allow|deny) publish (\S+);", text) == [
        "192.0.2.0/24", "2001:db8::1", "all",
    ]  # fmt: skip
    assert "listen 1935;" in text
    script = (tmp_path / "edge/publish/hall.sh").read_text()
    assert "'rtmp://edge1.example.org:1935/live/hall'" in script


def test_server_of_a_trial_listens_on_loopback_only(generate, tmp_path):
    generate(server="nginx-rtmp")

    listen = re.findall(r"listen (\S+);", (tmp_path / "edge/nginx.conf").read_text())
    assert listen == ["127.0.0.1:1935", "127.0.0.1:8081", "127.0.0.1:80"]


def test_folder_that_the_user_of_nginx_cannot_enter_is_one_line(generate, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    output = generate("--to", str(closed / "edge"), server="nginx-rtmp", status=1)

    assert output.startswith("Error: --to: the user of the server cannot enter ")
    assert output.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--url", "ftp://edge1"), "--url: is 'ftp://edge1'; allowed: "),
        (("--url", "http://edge1.example.org/?a=b"), "--url: is "),
        (("--tracker", "live.example.org"), "--tracker: is 'live.example.org'; allowed: "),
        (("--room", "attic"), "--room: is 'attic'; allowed: hall, no"),
        (("--stream", "hls"), "--stream: is 'hls'; allowed for icecast: webm_high, "),
        (("--publisher", "edge1"), "--publisher: is 'edge1'; allowed: an IP address"),
        (("--name", "edge 1"), "--name: is 'edge 1'; allowed: "),
        (("--port", "rtmp=1936"), "--port rtmp: icecast has none; allowed: http, agent"),
        (("--port", "http=9180"), "--port: two are the same: http=9180, agent=9180"),
        (("--to", "/srv/ä"), "--to: is '/srv/ä'; allowed: "),
        (("--to", "/dev/null/edge"), "/dev/null/edge"),
        (("--certificate", "/etc/a;b"), "--certificate: is '/etc/a;b'; allowed: "),
        (("--config", "/none/config.json"), "/none/config.json: cannot be read"),
        (("--token-file", "-"), "--token-file: "),
    ],
)
def test_bad_option_is_one_line(generate, options, message):
    output = generate(*options, status=1)

    assert output.startswith("Error: ")
    assert message in output
    assert output.count("\n") == 1


@pytest.mark.parametrize("port", ["http", "http=0", "http=70000", "http=٨٠", "=80"])
def test_bad_port_is_an_error_of_usage(generate, port):
    output = generate("--port", port, status=2)

    assert "allowed: NAME=PORT, such as rtmp=1936" in output


def test_configuration_without_rooms_is_one_line(generate, config):
    config.write_text("{}")

    assert generate(status=1).endswith(
        "Error: the configuration has no rooms; name another --config\n"
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"admin": 1, "relay": "", "source": "", "rooms": {}}', "\xff"]
)
def test_damaged_password_file_is_one_line(generate, tmp_path, text):
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge/passwords.json").write_bytes(text.encode("latin-1"))

    output = generate("--force", status=1)

    assert "passwords.json: " in output
    assert output.count("\n") == 1
