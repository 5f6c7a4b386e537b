"""Loading and validating agent.ini."""

from pathlib import Path

import pytest

from streaming_system.agent.config import (
    AccessLogConfig,
    AgentConfigError,
    StreamConfig,
    load_agent_config,
)
from streaming_system.agent.stream_config import reported_files

VALID_INI = """
[agent]
trackers =
    https://live.example.org/tracker/
    http://127.0.0.1:8000/tracker
token = sst_abc          ; issued by the crew
name = edge1
url = https://edge1.example.org/{room}/
capacity = 10G
tags = cdn, eu-west

[source:icecast]
use = icecast
url = http://127.0.0.1:8000/
streams =
    # The main hall in two sizes.
    /hall.webm = hall webm_high 2500k
    /hall-low.webm = hall webm_low
    /lab.opus = lab opus

[logs]
file = /var/log/nginx/access.log
"""


@pytest.fixture
def load(tmp_path):
    """Return a function that writes an agent.ini and loads it."""

    def load(text):
        file = tmp_path / "agent.ini"
        file.write_text(text)
        return load_agent_config(file)

    return load


def test_agent_ini_is_loaded(load):
    agent = load(VALID_INI)

    assert agent.trackers == ("https://live.example.org/tracker", "http://127.0.0.1:8000/tracker")
    assert (agent.token, agent.secret) == ("sst_abc", "")
    assert (agent.name, agent.url) == ("edge1", "https://edge1.example.org/{room}/")
    assert (agent.capacity, agent.interval) == (10**10, 10)
    assert (agent.region, agent.tags) == ("", ("cdn", "eu-west"))
    assert agent.status == ("127.0.0.1", 9180)
    assert agent.state == Path("/var/lib/streaming-agent")
    [source] = agent.sources
    assert (source.name, source.use, source.access_log) == ("icecast", "icecast", None)
    shared = {"endpoint": "edge1", "base_url": agent.url}
    assert source.streams == (
        StreamConfig(
            mount="/hall.webm",
            room="hall",
            format="webm",
            quality="high",
            bitrate=2_500_000,
            **shared,
        ),
        StreamConfig(mount="/hall-low.webm", room="hall", format="webm", quality="low", **shared),
        StreamConfig(mount="/lab.opus", room="lab", format="opus", **shared),
    )
    assert [stream.url for stream in source.streams] == [
        "https://edge1.example.org/hall/webcast-high.webm",
        "https://edge1.example.org/hall/webcast-low.webm",
        "https://edge1.example.org/lab/webcast.ogg",
    ]
    assert [stream.name for stream in source.streams] == ["webm_high", "webm_low", "opus"]
    assert source.options.url("url") == "http://127.0.0.1:8000"
    assert agent.sections["logs"].text("file") == "/var/log/nginx/access.log"


def test_repr_hides_secrets(load):
    assert "sst_abc" not in repr(load(VALID_INI))


def test_token_is_read_from_a_file_relative_to_the_ini(load, tmp_path):
    (tmp_path / "token").write_text("sst_of_the_file\n")

    agent = load(VALID_INI.replace("token = sst_abc", "token.file = token"))

    assert agent.token == "sst_of_the_file"


def test_access_log_has_defaults(load):
    agent = load(
        VALID_INI.replace("[logs]", "access.log = /a.log\naccess.path = /hls/{mount}\n[logs]")
    )

    [source] = agent.sources
    assert source.access_log == AccessLogConfig(file=Path("/a.log"), path="/hls/{mount}", window=30)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("name = edge1", "name = a b", "[agent] name: is 'a b'; allowed: 1 to 64 of A-Z"),
        ("name = edge1", "", "[agent] name: is missing; allowed: 1 to 64 of A-Z"),
        ("capacity = 10G", "capacity = lots", "[agent] capacity: is 'lots'; allowed: bit/s, such"),
        ("capacity = 10G", "capacity = 0", "[agent] capacity: is '0'; allowed: bit/s, such"),
        ("capacity = 10G", "interval = 0", "[agent] interval: is '0'; allowed: a number, 1 to 30"),
        ("capacity = 10G", "interval = nan", "[agent] interval: is 'nan'; allowed: a number"),
        ("capacity = 10G", "capasity = 10G", "[agent] capasity: is no key; allowed: capacity"),
        ("capacity = 10G", "status = 0.0.0.0:80", "[agent] status: is '0.0.0.0:80'; allowed: a lo"),
        ("capacity = 10G", "token.file = x", "[agent] token.file: is"),
        ("token = sst_abc", "token.file = none", "allowed: a file that can be read, but No such"),
        ("http://127.0.0.1:8000/tracker", "ftp://x", "[agent] trackers: is 'ftp://x'; allowed: h"),
        ("https://edge1.", "https://user@edge1.", "[agent] url: is 'https://user@edge1"),
        ("use = icecast", "", "[source:icecast] use: is missing; allowed: "),
        ("webm_low", "wbm_low", "[source:icecast] streams: is '/hall-low.webm = hall wbm_low'"),
        ("= lab opus", "= the lab opus 3", "[source:icecast] streams: is '/lab.opus = the lab op"),
        ("/lab.opus", "/hall.webm", "[source:icecast] streams: is '/hall.webm'; allowed: every"),
        ("2500k", "fast", "[source:icecast] streams: is 'fast'; allowed: bit/s"),
        ("2500k", "file=../x", "[source:icecast] streams: is '../x'; allowed: a path below the ba"),
        ("2500k", "file=", "[source:icecast] streams: is missing; allowed: a path below the base"),
        (
            "2500k",
            "file=a 2500k",
            "[source:icecast] streams: is '/hall.webm = hall webm_high file=",
        ),
        ("capacity = 10G", "hls.playlist = a b.m3u8", "[agent] hls.playlist: is 'a b.m3u8'; allow"),
        ("capacity = 10G", "hls.playlist = /a.m3u8", "[agent] hls.playlist: is '/a.m3u8'; allowed"),
        ("[logs]", "access.path = hls\n[logs]", "[source:icecast] access.path: is 'hls'; allowed:"),
        ("[logs]", "[log]", "[log]: is no section; allowed: [agent], [source:NAME]"),
        ("[agent]", "[agnt]", "agent.ini: has no section [agent]"),
        ("[agent]", "", "agent.ini: File contains no section headers."),
        ("token = sst_abc", "tokn = sst_abc", "[agent] tokn: is no key; allowed: "),
        ("token = sst_abc", "tokn = sst_abc", "; did you mean 'token'?"),
        ("name = edge1", "name = edge1\nname = edge2", "agent.ini: While reading from 'agent.ini'"),
    ],
)
def test_invalid_value_is_one_line_with_place_and_allowed_values(load, old, new, line):
    assert old in VALID_INI

    with pytest.raises(AgentConfigError) as error:
        load(VALID_INI.replace(old, new, 1))

    assert line in str(error.value)
    assert str(error.value).startswith("agent.ini: ")
    assert "\n" not in str(error.value)
    assert "sst_abc" not in str(error.value)


FILES_INI = """
[agent]
trackers = http://127.0.0.1:8000/tracker
name = edge1
url = {url}
{agent}
[source:own]
use = {use}
streams =
    {line}
"""


@pytest.mark.parametrize(
    ("url", "line", "file", "played"),
    [
        # The mount is below the base URL.
        ("http://e:8000/", "/hall.mp3 = hall mp3", {"mp3": "hall.mp3"}, "http://e:8000/hall.mp3"),
        ("http://e:8000", "/hall.mp3 = hall mp3", {"mp3": "hall.mp3"}, "http://e:8000/hall.mp3"),
        ("http://e/{room}/", "/hall/a.ogg = hall opus", {"opus": "a.ogg"}, "http://e/hall/a.ogg"),
        ("http://e/", "/a b.ts = hall ts", {"ts": "a%20b.ts"}, "http://e/a%20b.ts"),
        ("http://e/", "/h.webm = hall webm_sd", {"webm_low": "h.webm"}, "http://e/h.webm"),
        ("http://e/", "/h.webm = hall webm_hd", {"webm": "h.webm"}, "http://e/h.webm"),
        ("http://e/", "/h.webm = hall webm_high", {"webm_high": "h.webm"}, "http://e/h.webm"),
        # It has the conventional name.
        (
            "http://e:8000/{room}/",
            "/hall/webcast-high.webm = hall webm_high",
            {},
            "http://e:8000/hall/webcast-high.webm",
        ),
        # It is elsewhere on the server.
        ("http://e/{room}/", "/hall.mp3 = hall mp3", {}, "http://e/hall/webcast.mp3"),
        ("http://e/{room}/", "/hall = hall mp3", {}, "http://e/hall/webcast.mp3"),
        ("http://e/", "/../hall = hall mp3", {}, "http://e/webcast.mp3"),
        ("http://e/", "hall.mp3 = hall mp3", {}, "http://e/webcast.mp3"),
        # The line names it.
        (
            "http://e/{room}/",
            "/hall.mp3 = hall mp3 128k file=sound/{room}.mp3",
            {"mp3": "sound/{room}.mp3"},
            "http://e/hall/sound/hall.mp3",
        ),
        ("", "/hall.mp3 = hall mp3", {}, None),
        ("", "/hall.mp3 = hall mp3 file=a.mp3", {"mp3": "a.mp3"}, None),
    ],
)
def test_a_mount_of_icecast_is_played_at_its_own_path(load, url, line, file, played):
    agent = load(FILES_INI.format(url=url, agent="", use="icecast", line=line))

    [stream] = agent.sources[0].streams
    assert reported_files([stream]) == file
    assert stream.url == played


@pytest.mark.parametrize(
    ("agent", "line", "file", "played"),
    [
        ("", "live/hall = hall hls", {}, "http://e/hall/stream.m3u8"),
        ("", "/hall/hall.mp3 = hall mp3", {}, "http://e/hall/webcast.mp3"),
        (
            "hls.playlist = index.m3u8",
            "live/hall = hall hls",
            {"hls": "index.m3u8"},
            "http://e/hall/index.m3u8",
        ),
        (
            "hls.playlist = index.m3u8",
            "live/hall = hall hls file=a.m3u8",
            {"hls": "a.m3u8"},
            "http://e/hall/a.m3u8",
        ),
        ("hls.playlist = index.m3u8", "a = hall slides", {}, "http://e/hall/slides.m3u8"),
        ("", "a=b = hall dash file=x?a=b", {"dash": "x?a=b"}, "http://e/hall/x?a=b"),
        ("", "hall = hall whep file=hall/whep", {"whep": "hall/whep"}, None),
    ],
)
def test_other_servers_have_conventional_files_unless_named(load, agent, line, file, played):
    url = "http://e/{room}/"
    config = load(FILES_INI.format(url=url, agent=agent, use="static", line=line))

    [stream] = config.sources[0].streams
    assert reported_files([stream]) == file
    assert stream.url == played


def test_a_file_is_that_of_the_stream_that_players_choose(load):
    lines = "a = hall webm_hd file=a\n    b = hall webm_high file=b\n    c = hall webm_low file=c"
    agent = load(FILES_INI.format(url="http://e/", agent="", use="static", line=lines))

    assert reported_files(agent.sources[0].streams) == {"webm_high": "b", "webm_low": "c"}


def test_missing_file_is_one_line(tmp_path):
    with pytest.raises(AgentConfigError, match=r"none\.ini: cannot be read: No such file"):
        load_agent_config(tmp_path / "none.ini")


def test_unknown_keys_are_rejected_in_any_section(load):
    logs = load(VALID_INI).sections["logs"]
    logs.text("files", "")

    with pytest.raises(AgentConfigError, match=r"\[logs\] file: is no key; allowed: files"):
        logs.reject_unknown_keys()
