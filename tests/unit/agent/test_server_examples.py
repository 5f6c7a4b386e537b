"""The configurations that `agent generate` writes: documented options, and the examples."""

import json
import re
import runpy
from xml.etree import ElementTree

import pytest
import yaml

from streaming_system.agent.server_setup.server_types import SERVER_TYPES

SERVERS = tuple(SERVER_TYPES)
TLS_URL = "https://edge1.example.org:8443/"


def load_passwords(folder):
    return json.loads((folder / "passwords.json").read_text())


def test_mediamtx_has_the_documented_options(generate, tmp_path):
    generate("--url", TLS_URL, server="mediamtx")

    document = yaml.safe_load((tmp_path / "edge/mediamtx.yml").read_text())
    # From the OpenAPI document of its control API (version 1.20): GlobalConf and AuthInternalUser.
    types = {
        "logLevel": str, "authMethod": str, "authInternalUsers": list, "api": bool,
        "apiAddress": str, "rtmp": bool, "rtmpAddress": str, "hls": bool, "hlsAddress": str,
        "hlsEncryption": bool, "hlsServerKey": str, "hlsServerCert": str, "hlsAlwaysRemux": bool,
        "hlsVariant": str, "hlsSegmentDuration": str, "hlsSegmentCount": int, "rtsp": bool,
        "webrtc": bool, "srt": bool, "paths": dict,
    }  # fmt: skip
    assert {key: type(value) for key, value in document.items()} == types
    assert document["hlsVariant"] in ("mpegts", "fmp4", "lowLatency")
    assert list(document["paths"]) == ["hall", "no"]
    publish = {
        permission["path"]: user["pass"]
        for user in document["authInternalUsers"]
        for permission in user["permissions"]
        if permission["action"] == "publish"
    }
    assert publish == load_passwords(tmp_path / "edge")["rooms"]


def test_srs_has_the_documented_directives(generate, tmp_path):
    generate(server="srs")

    text = re.sub(r"#.*", "", (tmp_path / "edge/srs.conf").read_text())
    # Of full.conf (version 6), by block.
    directives = {
        "": {"listen", "max_connections", "daemon", "pid", "srs_log_tank", "srs_log_level",
             "http_api", "http_server", "vhost"},
        "http_api": {"enabled", "listen"},
        "http_server": {"enabled", "listen", "dir", "crossdomain"},
        "vhost": {"hls", "security"},
        "hls": {"enabled", "hls_path", "hls_fragment", "hls_window", "hls_m3u8_file",
                "hls_ts_file", "hls_cleanup"},
        "security": {"enabled", "allow"},
    }  # fmt: skip
    blocks = [""]
    for line in filter(None, map(str.strip, text.splitlines())):
        if line == "}":
            blocks.pop()
            continue
        assert line.endswith((";", "{")), line
        name = line.split()[0]
        assert name in directives[blocks[-1]], line
        if line.endswith("{"):
            blocks.append(name)
    assert blocks == [""]


def test_ovenmediaengine_has_the_documented_elements(generate, tmp_path):
    generate("--url", TLS_URL, server="ovenmediaengine")

    root = ElementTree.parse(tmp_path / "edge/Server.xml").getroot()
    assert (root.tag, root.get("version")) == ("Server", "8")
    # Of misc/conf_examples/Server.xml, by parent.
    children = {
        "Server": {"Name", "Type", "IP", "PrivacyProtection", "Bind", "Managers", "VirtualHosts"},
        "Bind": {"Managers", "Providers", "Publishers"},
        "Managers": {"API", "Host"},
        "API": {"Port", "WorkerCount", "AccessToken"},
        "Providers": {"RTMP"},
        "RTMP": {"Port", "WorkerCount"},
        "Publishers": {"LLHLS", "AppWorkerCount", "StreamWorkerCount"},
        "LLHLS": {"Port", "TLSPort", "WorkerCount", "ChunkDuration", "PartHoldBack",
                  "SegmentDuration", "SegmentCount", "CrossDomains"},
        "Host": {"Names", "TLS"},
        "TLS": {"CertPath", "KeyPath", "ChainCertPath"},
        "VirtualHosts": {"VirtualHost"},
        "VirtualHost": {"Name", "Host", "Applications"},
        "Applications": {"Application"},
        "Application": {"Name", "Type", "OutputProfiles", "Providers", "Publishers"},
        "OutputProfiles": {"OutputProfile"},
        "OutputProfile": {"Name", "OutputStreamName", "Encodes"},
        "Encodes": {"Video", "Audio"},
        "Video": {"Name", "Bypass"},
        "Audio": {"Name", "Bypass"},
        "Names": {"Name"},
        "CrossDomains": {"Url"},
    }  # fmt: skip
    for element in root.iter():
        assert {child.tag for child in element} <= children.get(element.tag, set()), element.tag
    token = load_passwords(tmp_path / "edge")["admin"]
    assert root.findtext("Managers/API/AccessToken") == token


# Of these formats, a document has configurations of servers, and a schedule.
OTHER_CONFIGURATION = r"```(?:nginx|yaml|js)\n|```xml\n(?!<schedule>)|```ini\n\[Unit\]"


class TestExamples:
    @pytest.fixture
    def module(self, root):
        return runpy.run_path(str(root / "tools/server_configurations.py"))

    def test_examples_are_what_generate_writes(self, module, root):
        files = module["render_example_files"]()

        for name, text in files.items():
            assert (root / "conf" / name).read_text() == text, name
        assert {f"servers/{path.name}" for path in (root / "conf/servers").iterdir()} == {
            name for name in files if name.startswith("servers/")
        }

    @pytest.mark.parametrize("server", SERVERS)
    def test_command_writes_the_example(self, module, generate, tmp_path, config, root, server):
        config.write_text('{"hall": {}, "lab": {}}')
        (tmp_path / "edge").mkdir()
        (tmp_path / "edge/passwords.json").write_text(module["EXAMPLE_PASSWORDS"].format_json())
        generate(
            "--force", "--name", "edge1", "--url", module["EXAMPLE_URLS"][server],
            "--tracker", "https://live.example.org/tracker", server=server,
        )  # fmt: skip

        for name in (SERVER_TYPES[server].config_file, *SERVER_TYPES[server].other_files):
            text = (tmp_path / "edge" / name).read_text()
            example = root / "conf/servers" / name.rpartition("/")[2]
            assert text.replace(str(tmp_path / "edge"), "/srv/streaming") == example.read_text()

    def test_documentation_has_the_files(self, module, root):
        included = set()
        for manual in root.glob("docs/**/*.md"):
            text = manual.read_text()
            assert text.count("<!-- file: ") == len(module["INCLUDED_FILE"].findall(text)), manual
            for path, _, block, _ in module["INCLUDED_FILE"].findall(text):
                assert block == (root / path).read_text(), f"{manual.name}: {path}"
                included.add(path)

        assert {
            f"conf/servers/{SERVER_TYPES[server].config_file}" for server in SERVERS
        } <= included

    def test_documentation_has_no_other_configuration_of_a_server(self, module, root):
        for manual in root.glob("docs/**/*.md"):
            text = module["INCLUDED_FILE"].sub("", manual.read_text())
            assert re.findall(OTHER_CONFIGURATION, text) == [], manual.name
