"""Fixtures of `agent generate`."""

import json

import pytest
from click.testing import CliRunner

from streaming_system.cli import main

CONFIG = {
    "config": {"hls-playlist": "live.m3u8"},
    "default": {"conference": "Test Conf"},
    "hall": {"title": "Great Hall"},
    # As a key of YAML without quotes, it is false.
    "no": {},
}


@pytest.fixture
def config(tmp_path):
    """A site's configuration of two rooms."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(CONFIG))
    return file


@pytest.fixture
def generate(tmp_path, config):
    """Return a function that runs `agent generate` with an exit status, and returns its output."""
    # The user of nginx must be able to enter the folder.
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o711)

    def generate(*options, status=0, server="icecast", **kwargs):
        result = CliRunner().invoke(
            main,
            ["agent", "generate", "--server", server, "--config", str(config),
             "--to", str(tmp_path / "edge"), *options],
            **kwargs,
        )  # fmt: skip
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert result.exit_code == status, result.output
        return result.output

    return generate
