"""What a change of the configuration is called."""

import json
import subprocess
import sys

import pytest

from streaming_system.config import load_conference
from streaming_system.config.differences import describe_differences, summarise_conference

BASE = {
    "config": {"secret": "first", "regions": {"eu": {"places": ["DE", "FR", "EU"]}}},
    "default": {"title": "Event"},
    "hall": {"title": "Hall"},
    "lab": {"title": "Lab"},
}


@pytest.fixture
def summarise(tmp_path):
    def summarise(**sections):
        path = tmp_path / "config.json"
        document = {name: values for name, values in (BASE | sections).items() if values}
        path.write_text(json.dumps(document))
        return summarise_conference(load_conference(path, tmp_path / "none.json"))

    return summarise


@pytest.mark.parametrize(
    ("sections", "lines"),
    [
        ({}, []),
        ({"tube": {"title": "Tube"}}, ["room tube: added"]),
        ({"lab": None}, ["room lab: removed"]),
        ({"lab": {"title": "Laboratory", "youtube": "dQw4w9WgXcQ"}},
         ["room lab: title, youtube changed"]),
        ({"config": BASE["config"] | {"theme": "terminal", "hls-playlist": "a.m3u8"}},
         ["site: hls-playlist, theme changed"]),
        ({"default": {"title": "Other"}}, ["default: title changed"]),
    ],
)  # fmt: skip
def test_changed_rooms_and_keys_are_named(summarise, sections, lines):
    assert describe_differences(summarise(), summarise(**sections)) == lines


def test_secret_is_neither_compared_nor_stored(summarise):
    assert summarise() == summarise(config=BASE["config"] | {"secret": "second"})


def test_theme_and_languages_are_named():
    old = {"theme": {}, "languages": {"en": "", "de": "1"}}
    new = {"theme": {"files": "2"}, "languages": {"en": "", "de": "2", "nl": "3"}}

    assert describe_differences(old, new) == ["theme: added", "languages: de changed, nl added"]
    assert describe_differences(new, old) == ["theme: removed", "languages: de changed, nl removed"]


def test_processes_agree_on_an_unchanged_configuration(summarise, tmp_path):
    summarise()
    code = (
        "import sys; from pathlib import Path\n"
        "from streaming_system.config import load_conference\n"
        "from streaming_system.config.differences import summarise_conference\n"
        "print(summarise_conference(load_conference(Path(sys.argv[1]), Path('none'))))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / "config.json"],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(outputs) == 1
