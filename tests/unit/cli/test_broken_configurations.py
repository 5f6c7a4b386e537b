"""Each broken configuration gets its lines: file, line, column, key, and what to do."""

import functools
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from streaming_system.cli import main, site_check
from streaming_system.schedule_import.parsers import load_parsers

SECRET = "Kq3-vT9_wLz7.example-Rm2xPd"
INI = """\
[DEFAULT]
address = 127.0.0.1:8000
config.public = %(here)s/config.json
config.private = %(here)s/config.private.json
schedule.file = %(here)s/schedule.json
plugins.folder = %(here)s/plugins

[app:frontend]
use = egg:streaming-system#frontend
tracker.internal_url = http://%(address)s/tracker

[app:tracker]
use = egg:streaming-system#tracker
sqlalchemy.url = sqlite:///%(here)s/tracker.sqlite

[server:main]
use = egg:streaming-system#server
listen = %(address)s
threads = 8
"""
CASE_LINE = re.compile(r"(?P<kind>[a-z0-9 -]+?)(?: (?P<file>\S+\.\w+))?: (?P<value>.*)")


def private(config="", default="", hall="", lab="", more=""):
    """Return a document of which some parts are broken."""
    secret = "" if '"secret"' in config else f'"secret": "{SECRET}"'
    parts = ", ".join(filter(None, (secret, config)))
    return f"""{{
"config": {{{parts}}},
"default": {{{default}}},
"hall": {{{hall}}},
"lab": {{{lab}}}{more}
}}
"""


def load_cases():
    """Return the name, the files and the lines of each case; a missing file is ``None``."""
    text = Path(__file__).with_name("broken_configurations.txt").read_text(encoding="utf-8")
    for case in text.split("\n== ")[1:]:
        name, *rows = case.strip("\n").split("\n")
        files, parts = {}, {}
        for row in rows:
            if row.startswith("> "):
                continue
            kind, file, value = CASE_LINE.fullmatch(row).groups()
            value = value.replace("\\n", "\n")
            if kind == "ini":
                old, new = value.split(" => ")
                assert old in INI
                files["site.ini"] = INI.replace(old, new)
            elif kind == "no file":
                files[value] = None
            elif file:
                files[file] = value.encode("latin-1" if kind == "latin-1" else "utf-8")
            else:
                parts[kind] = value
        if parts:
            files["config.private.json"] = private(**parts)
        yield name, files, [row[2:] for row in rows if row.startswith("> ")]


CASES = list(load_cases())


@pytest.fixture(scope="session")
def builtin_parsers():
    return load_parsers()


@pytest.fixture
def write_site(tmp_path, monkeypatch, builtin_parsers):
    """Return a function that writes a site, some of whose files are broken."""

    def load(folder):
        # Loading them takes longer than everything else.
        has_plugins = folder and any(folder.glob("*.py"))
        return load_parsers(folder) if has_plugins else builtin_parsers

    monkeypatch.setattr(site_check, "load_parsers", load)

    def write_site(files):
        site = {
            "site.ini": INI,
            "config.json": "{}",
            "config.private.json": private(),
            "plugins/README.md": "",
        }
        for name, text in (site | files).items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "site.ini"

    return write_site


def matches(line, expected):
    """Return whether a line is the expected one; " …" at its end stands for a list."""
    start, ellipsis, _ = expected.partition(" …")
    return line.startswith(start) if ellipsis and expected.endswith(" …") else line == expected


@pytest.mark.parametrize(
    ("files", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_broken_configuration_gets_its_lines(write_site, tmp_path, files, expected):
    result = site_check.check_site(write_site(files))

    lines = [
        ("warning: " if finding.severity == "warning" else "")
        + str(finding).replace(f"{tmp_path}/", "")
        for finding in result.findings
    ]
    assert len(lines) == len(expected), lines
    for line, each in zip(lines, expected, strict=True):
        assert matches(line, each), line
        assert "\n" not in line
    assert result.has_errors is any(not each.startswith("warning: ") for each in expected)


def test_working_site_has_no_findings(write_site):
    assert site_check.check_site(write_site({})).findings == []


def test_all_errors_are_found_in_one_run(write_site, tmp_path):
    broken = private(
        config='"reload": -1, "localips": ["192.0.2.7/24", "("], "embed": "blog.example"',
        default='"recordings": "media.example.org/x"',
        hall='"titel": "A", "fallbacks": ["https://a.example/?x", "group:b"], "sources": [{}, 5]',
        lab='"schedule-timezone": "Mars"',
        more=',\n"defaults": {}',
    )
    ini = write_site(
        {
            "site.ini": INI.replace("threads = 8", "threads = x\nthread = 1"),
            "config.private.json": broken,
        }
    )

    result = CliRunner().invoke(main, ["-c", str(ini), "config", "check"])

    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.replace(f"{tmp_path}/", "").splitlines()
    assert [line.split(": ")[1:4] for line in lines[:-1]] == [
        ["site.ini:19:1", "[server:main]", "key 'threads'"],
        ["site.ini:20:1", "[server:main]", "key 'thread'"],
        ["config.private.json:2:53", "section 'config'", "key 'reload'"],
        ["config.private.json:2:80", "section 'config'", "key 'localips'"],
        ["config.private.json:2:96", "section 'config'", "key 'localips'"],
        ["config.private.json:2:102", "section 'config'", "key 'embed'"],
        ["config.private.json:3:13", "section 'default'", "key 'recordings'"],
        ["config.private.json:4:10", "room 'hall'", "key 'titel'"],
        ["config.private.json:4:24", "room 'hall'", "key 'fallbacks'"],
        ["config.private.json:4:38", "room 'hall'", "key 'fallbacks'"],
        ["config.private.json:4:86", "room 'hall'", "key 'sources'"],
        ["config.private.json:4:90", "room 'hall'", "key 'sources'"],
        ["config.private.json:5:9", "room 'lab'", "key 'schedule-timezone'"],
    ]
    assert lines[-1].startswith("Error: config.private.json:6:1: section 'defaults': is unknown; ")


def test_machine_without_an_app_needs_none_of_its_keys(write_site):
    ini = write_site({"config.private.json": private(config='"secret": "", "theme": "./none"')})

    def exit_code(app):
        return (
            CliRunner().invoke(main, ["-c", str(ini), "config", "check", "--only", app]).exit_code
        )

    assert (exit_code("tracker"), exit_code("frontend")) == (1, 1)
    write_site({"config.private.json": private(config='"secret": ""')})
    assert exit_code("frontend") == 0
    write_site({"config.private.json": private(config='"theme": "./none"')})
    assert exit_code("tracker") == 0


def test_config_show_names_the_place_of_each_value(write_site, tmp_path):
    ini = write_site(
        {
            "config.json": '{"default": {\n"link": "/"}}',
            "config.private.json": private(hall='"title": "Hall"'),
        }
    )
    show = functools.partial(CliRunner().invoke, main)

    result = show(["-c", str(ini), "config", "show", "config", "hall"])

    assert result.exit_code == 0
    assert result.stdout.replace(f"{tmp_path}/", "").splitlines() == [
        "config:",
        "  secret = …  (config.private.json:2:12)",
        "hall:",
        '  link = "/"  (config.json:2:1)',
        '  title = "Hall"  (config.private.json:4:10)',
    ]
    unknown = show(["-c", str(ini), "config", "show", "nowhere"])
    assert (unknown.exit_code, unknown.stderr) == (
        1,
        "Error: there is no section 'nowhere'; allowed: config, default, hall, lab\n",
    )
