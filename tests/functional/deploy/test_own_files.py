"""What an organiser adds beside the configuration is part of a deployment."""

import json
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest
import urllib3
from click.testing import CliRunner

from streaming_system.cli import main

# A frontend needs no database.
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.parametrize("new_database", ["sqlite"], indirect=True),
]


@pytest.fixture
def packaged_plugin(tmp_path):
    """The wheel of a plugin that the kit has written."""
    source, target = tmp_path / "plugin", tmp_path / "wheels"
    ini = tmp_path / "plugin.ini"
    ini.write_text(
        f"[DEFAULT]\nconfig.public = {tmp_path}/plugin.json\nconfig.private = none\n"
        f"plugins.folder = {source}\n[app:frontend]\nuse = egg:streaming-system#frontend\n"
    )
    (tmp_path / "plugin.json").write_text("{}")
    result = CliRunner().invoke(main, ["-c", str(ini), "schedule", "new-parser", "our_event"])
    assert result.exit_code == 0, result.output
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--wheel-dir", target, source],
        check=True,
    )  # fmt: skip
    [wheel] = target.iterdir()
    return SimpleNamespace(wheel=wheel, sample=source / "our_event.sample.json")


def test_plugins_themes_catalogues_and_feeds_are_deployed(machine, packaged_plugin, root):
    website = machine.website
    shutil.copy(packaged_plugin.wheel, website)
    (website / "requirements.txt").write_text(f"./{packaged_plugin.wheel.name}\n")
    shutil.copy(packaged_plugin.sample, website / "feeds/ours.json")
    (website / "plugins").mkdir()
    (website / "plugins/capitals.py").write_text(
        "from dataclasses import replace\n"
        "from streaming_system.plugin import hookimpl\n"
        "@hookimpl\ndef enrich_talk(talk):\n    return replace(talk, title=talk.title.upper())\n"
    )
    (website / "look").mkdir()
    (website / "look/theme.json").write_text(
        '{"name": "Ours", "colours": {"light": {"accent": "#7a1fa2"}}}'
    )
    catalogue = root / "src/streaming_system/frontend/locale/de/LC_MESSAGES"
    shutil.copytree(catalogue, website / "languages/nl/LC_MESSAGES")
    ini = (website / "production.ini").read_text()
    (website / "production.ini").write_text(
        ini.replace("[app:frontend]\n", "[app:frontend]\nlanguages.folder = %(here)s/languages\n")
    )
    (website / "config.json").write_text(json.dumps({"config": {"theme": "./look"}}))
    (website / "config.private.json").write_text(
        json.dumps(
            {
                "config": {"secret": "a secret of the test"},
                "default": {"conference": "Test Conf", "schedule": "feeds/ours.json"},
                "example": {"title": "Aula"},
            }
        )
    )
    (port, _) = machine.ports.frontend

    result = machine.setup(FRONTENDS=str(port), TRACKERS="")

    assert result.returncode == 0, result.stdout + result.stderr
    page = urllib3.request("GET", f"http://127.0.0.1:{port}/schedule?lang=nl").data.decode()
    # The feed is read by the installed plugin, and changed by the one in the folder.
    assert "WELCOME" in page
    assert 'lang="nl"' in page
    listed = subprocess.run(
        [".venv/bin/streaming-system", "-c", "production.ini", "plugins", "--json"],
        cwd=website / "current", capture_output=True, text=True, check=True,
    )  # fmt: skip
    origins = {plugin["name"]: plugin["origin"] for plugin in json.loads(listed.stdout)}
    assert origins["our_event"] == "package streaming-system-our-event"
    assert origins["capitals"].endswith("plugins/capitals.py")
    # The theme's accent replaces the default one.
    theme = urllib3.request("GET", f"http://127.0.0.1:{port}/").data.decode()
    assert "/theme/" in theme

    # A plugin that cannot be loaded stops the next deployment, and the site stays as it is.
    (website / "plugins/broken.py").write_text("import nothing_of_this_name\n")
    version = machine.current
    result = machine.setup(FRONTENDS=str(port), TRACKERS="")
    assert result.returncode == 1
    assert "plugins/broken.py: ModuleNotFoundError" in result.stderr
    assert machine.current == version
