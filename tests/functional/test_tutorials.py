"""The tutorials, word for word: each file is saved and each command is run, in order."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ports import free_port

from functional.served_event import serving

BIN = Path(sys.executable).parent
# "Save this as `path`:" or "Save this schedule as `path`:", then the file.
STEP = re.compile(r"(?:Save\s+[\w\s]+?\s+as\s+`([^`]+)`:\s+)?^```(\w+)\n(.*?)^```", re.M | re.S)
# What the pages of the site show at the end.
RESULTS = {
    "first-parser.md": ("/schedule?day=all", ["Welcome", "Soldering for all", "Ada", "Aula"]),
    "first-theme.md": ("/", ["Main Hall", "/theme/"]),
}


def steps(text):
    """Yield (path, content) for each file, and (None, words) for each command."""
    for path, language, content in STEP.findall(text):
        if path:
            yield path, content
        elif language == "sh":
            for line in content.splitlines():
                yield None, shlex.split(line)


@pytest.mark.parametrize("name", RESULTS)
def test_tutorial_leads_to_its_result(root, tmp_path, name):
    folder, port = tmp_path, free_port()
    environ = {key: value for key, value in os.environ.items() if not key.startswith("STREAMING")}
    environ |= {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "STREAMING_SYSTEM_LISTEN": f"127.0.0.1:{port}",
    }
    for path, content in steps((root / "docs/tutorials" / name).read_text()):
        if path:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        elif content[0] == "cd":
            folder /= content[1]
        elif content == ["streaming-system", "serve"]:
            with serving(content, folder, environ, port) as event:
                address, texts = RESULTS[name]
                page = event.text(address)
            assert [text for text in texts if text not in page] == []
        else:
            result = subprocess.run(
                content, cwd=folder, env=environ, capture_output=True, text=True, check=False
            )
            assert result.returncode == 0, result.stdout + result.stderr
    assert "event" in locals()
