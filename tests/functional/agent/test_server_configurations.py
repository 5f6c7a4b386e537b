"""The configurations in conf/servers with the real servers; only ports and paths are replaced."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from programs import find, require

from .conftest import wait_until
from .generated_server import TEST_PATTERN, WEBM_RESPONSE, fetch_start, open_folder
from .servers import Program, free_port

ROOT = Path(__file__).parents[3]
SERVERS = ROOT / "conf/servers"
EXAMPLE_HOST = "edge1.example.org"


@pytest.fixture
def folder(tmp_path):
    """The folder in the place of /srv/streaming."""
    folder = tmp_path / "streaming"
    folder.mkdir()
    open_folder(folder)
    return folder


def copy(folder, name, **replacements):
    """Copy a configuration with other ports and paths; each must occur in it."""
    text = (SERVERS / name).read_text()
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, str(new))
    file = folder / name
    file.write_text(text)
    return file


def publish(folder, name, port, new_port):
    script = copy(folder, name, **{f"127.0.0.1:{port}": f"127.0.0.1:{new_port}"})
    return Program("sh", script, *TEST_PATTERN, folder=folder, name="publish")


@pytest.mark.icecast
def test_icecast_plays_what_the_documented_script_publishes(folder, encoders):
    require("icecast2")
    require("ffmpeg")
    port = free_port()
    config = copy(folder, "icecast.xml", **{"<port>8000<": f"<port>{port}<"})
    server = encoders(Program(find("icecast2"), "-c", config, folder=folder, name="icecast"))
    server.wait_for(f"http://127.0.0.1:{port}/status-json.xsl")
    encoders(publish(folder, "publish-icecast.sh", 8000, port))

    url = f"http://127.0.0.1:{port}/hall/webcast-high.webm"
    wait_until(lambda: fetch_start(url) == WEBM_RESPONSE, 20, "the mount plays")


@pytest.fixture
def certificate(folder):
    """A certificate of the example's host."""
    require("openssl")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={EXAMPLE_HOST}",
         "-addext", f"subjectAltName=DNS:{EXAMPLE_HOST}",
         "-keyout", folder / "privkey.pem", "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


@pytest.mark.nginx
def test_nginx_plays_what_the_documented_script_publishes(folder, certificate, encoders):
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    ports = {name: free_port() for name in ("https", "rtmp", "stats")}
    for name in ("var", "var/hls", "var/log"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    config = copy(
        folder,
        "nginx.conf",
        **{
            "/srv/streaming": folder,
            f"/etc/letsencrypt/live/{EXAMPLE_HOST}": certificate,
            "127.0.0.1:1935": f"127.0.0.1:{ports['rtmp']}",
            "127.0.0.1:8081": f"127.0.0.1:{ports['stats']}",
            "listen 443": f"listen {ports['https']}",
            "[::]:443": f"[::]:{ports['https']}",
        },
    )
    text = config.read_text()
    assert "worker_processes 2;" in text
    if not has_ipv6():
        config.write_text(re.sub(r" *listen \[::\].*\n", "", text))
    server = encoders(
        Program(find("nginx"), "-c", config, "-g", "daemon off;", folder=folder, name="nginx")
    )
    server.wait_for(f"http://127.0.0.1:{ports['stats']}/stat")
    encoders(publish(folder, "publish-nginx-rtmp.sh", 1935, ports["rtmp"]))

    with urllib3.HTTPSConnectionPool(
        "127.0.0.1", ports["https"], ca_certs=str(certificate / "fullchain.pem"),
        server_hostname=EXAMPLE_HOST, assert_hostname=EXAMPLE_HOST, retries=False, timeout=10,
    ) as pool:  # fmt: skip

        def segments():
            response = pool.request("GET", "/hls/hall/stream.m3u8")
            lines = response.data.decode().splitlines() if response.status == 200 else []
            return [line for line in lines if line and not line.startswith("#")]

        wait_until(lambda: len(segments()) > 1, 30, "the playlist has segments")
        playlist = pool.request("GET", "/hls/hall/stream.m3u8")
        assert playlist.headers["Content-Type"] == "application/vnd.apple.mpegurl"
        assert playlist.headers["Access-Control-Allow-Origin"] == "*"
        segment = pool.request("GET", f"/hls/hall/{segments()[-1]}")
        assert (segment.headers["Content-Type"], segment.data[:1]) == ("video/mp2t", b"G")
        assert pool.request("GET", "/stat").status == 404


def has_ipv6():
    return Path("/proc/net/if_inet6").exists()


class TestUnits:
    @pytest.fixture
    def units(self, tmp_path):
        """The units of both servers, with programs of this machine."""
        require("systemd-analyze")
        module = runpy.run_path(str(ROOT / "tools/server_configurations.py"))
        folder = tmp_path / "units"
        folder.mkdir()
        render_files, example_setup = module["render_files"], module["example_setup"]
        for server in ("icecast", "nginx-rtmp"):
            for name, text in render_files(example_setup(server)).items():
                if name.startswith("units/"):
                    program = Path(sys.executable).with_name("streaming-system")
                    text = text.replace(str(module["PROGRAM"]), str(program))
                    (folder / Path(name).name).write_text(text)
        return folder

    def test_systemd_accepts_the_units(self, units):
        require("icecast2", "nginx")
        names = sorted(path.name for path in units.iterdir())
        assert names == [
            "streaming-agent.service", "streaming-icecast.service", "streaming-nginx.service",
        ]  # fmt: skip

        result = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *names],
            capture_output=True, text=True, check=False,
            cwd=units, env={"SYSTEMD_UNIT_PATH": f"{units}:"},
        )  # fmt: skip

        warnings = [line for line in result.stderr.splitlines() if "streaming-" in line]
        assert (result.returncode, warnings) == (0, [])

    @pytest.mark.parametrize(
        ("name", "threshold"),
        # nginx starts as root, since it opens port 443 and the certificate's key.
        [("agent", 20), ("icecast", 20), ("nginx", 40)],
    )
    def test_services_have_few_privileges(self, units, name, threshold):
        result = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager",
             f"--threshold={threshold}", units / f"streaming-{name}.service"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert result.returncode == 0, result.stdout + result.stderr


def test_access_log_of_nginx_is_deleted_after_a_day(tmp_path, folder):
    require("logrotate")
    log = folder / "var/log/access.log"
    log.parent.mkdir(parents=True)
    folder.chmod(0o755)
    config = copy(folder, "logrotate.conf", **{"/srv/streaming": folder})
    config.chmod(0o644)
    command = [find("logrotate"), "-f", "-s", tmp_path / "state", config]
    for content in ("yesterday", "today"):
        log.write_text(content)
        subprocess.run(command, check=True, capture_output=True)

    # nginx itself creates the new log.
    assert {path.name: path.read_text() for path in log.parent.iterdir()} == {
        "access.log.1": "today"
    }
