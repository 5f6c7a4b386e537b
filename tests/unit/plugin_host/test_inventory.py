"""The list of plugins, for the command line and the crew's page."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from streaming_system.cli import main
from streaming_system.plugin_host.inventory import list_plugins
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.util.plugin_inventory import load_inventory, save_inventory

LIMITS = ResourceLimits(timeout=20)
PARSER = '''"""The feed of ours."""
from streaming_system.plugin import Parser, hookimpl
@hookimpl
def register_parsers():
    return [Parser(name="ours", summary="", recognise=lambda feed: 0.0, parse=None)]
'''


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "ours.py").write_text(PARSER)
    return folder


def listed(folder):
    return {plugin.name: plugin for plugin in list_plugins(folder, LIMITS)}


def test_list_has_built_in_plugins_and_those_of_the_folder(folder):
    plugins = listed(folder)

    assert (plugins["ours"].origin, plugins["ours"].summary, plugins["ours"].hooks) == (
        str(folder / "ours.py"),
        "The feed of ours.",
        ("register_parsers",),
    )
    assert plugins["ours"].formats == ("ours",)
    assert plugins["icalendar"].origin == "built in (icalendar/)"
    assert plugins["webhook"].hooks == ("incident_changed",)
    assert {plugin.error for plugin in plugins.values()} == {""}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)", "the subprocess ended with exit code 3"),
        (PARSER, "offers 'ours', as does {folder}/ours.py: remove one of them"),
        (
            "from streaming_system.plugin import hookimpl\n@hookimpl\ndef no_hook():\n  pass\n",
            "no_hook",
        ),
    ],
)
def test_plugin_that_cannot_be_loaded_is_listed_with_the_reason(folder, code, error):
    (folder / "theirs.py").write_text(code)

    plugins = listed(folder)

    assert error.format(folder=folder) in plugins["theirs"].error
    assert plugins["ours"].error == ""


def test_inventory_reads_back(folder, tmp_path):
    plugins, now = list_plugins(folder, LIMITS), datetime(2026, 11, 30, tzinfo=UTC)
    path = tmp_path / "var/plugins.json"
    assert load_inventory(path) is None

    save_inventory(path, plugins, now=now)

    inventory = load_inventory(path)
    assert (list(inventory.plugins), inventory.listed_at) == (plugins, now)
    path.write_text('{"listed": 1}')
    assert load_inventory(path) is None


def test_command_lists_plugins_and_fails_for_a_broken_one(folder, tmp_path):
    ini = tmp_path / "site.ini"
    (tmp_path / "config.json").write_text("{}")
    ini.write_text(
        f"[DEFAULT]\nconfig.public = {tmp_path}/config.json\nconfig.private = none\n"
        f"plugins.folder = {folder}\n[app:frontend]\nuse = egg:streaming-system#frontend\n"
    )
    result = CliRunner().invoke(main, ["-c", str(ini), "plugins"])
    assert result.exit_code == 0, result.output
    assert f"ours                      {folder}/ours.py".split() in [
        line.split()[:2] for line in result.stdout.splitlines()
    ]

    (folder / "broken.py").write_text("import nothing_of_this_name")
    result = CliRunner().invoke(main, ["-c", str(ini), "plugins", "--json"])

    assert result.exit_code == 1
    assert f"{folder}/broken.py: ModuleNotFoundError" in result.stderr
    assert {plugin["name"] for plugin in json.loads(result.stdout)} >= {"broken", "ours"}
