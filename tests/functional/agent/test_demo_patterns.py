"""The demo's test patterns, encoded by ffmpeg."""

import pytest
from programs import require, skip

from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.demo import test_patterns

from .conftest import wait_until
from .servers import Program


@pytest.fixture
def ffmpeg():
    return require("ffmpeg")


@pytest.mark.parametrize("title", ["Main Hall", "100 %{pts} 'of' \\ [it]: a,b;c\n-i", None])
def test_pattern_supports_any_room_name_or_none(ffmpeg, tmp_path, encoders, title):
    if title:
        if not test_patterns.can_draw_text(ffmpeg, ProcessRunner()):
            skip("no font: apt-get install fonts-dejavu-core")
        (tmp_path / "name.txt").write_text(title)
    command = test_patterns.encoder_command(
        ffmpeg, 0, with_text=title is not None, icecast=None, room="hall"
    )

    running = encoders(Program(*command, folder=tmp_path, name="ffmpeg"))

    wait_until((tmp_path / "stream.m3u8").exists, 30, running.output)
    assert running.output == ""
    # The sequence number is a time, so that players continue after a restart.
    sequence = (tmp_path / "stream.m3u8").read_text().partition("MEDIA-SEQUENCE:")[2].split()[0]
    assert int(sequence) > 1_700_000_000


def test_missing_font_disables_text(ffmpeg, tmp_path, monkeypatch):
    config = tmp_path / "fonts.conf"
    config.write_text("<fontconfig></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))

    assert not test_patterns.can_draw_text(ffmpeg, ProcessRunner())
