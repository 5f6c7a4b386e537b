"""The demo's test patterns, as this machine's ffmpeg encodes them."""

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
def test_a_pattern_bears_whatever_name_a_room_has_or_none(ffmpeg, tmp_path, encoders, title):
    if title:
        if not test_patterns.can_draw_text(ffmpeg, ProcessRunner()):
            skip("no font: apt-get install fonts-dejavu-core")
        (tmp_path / "name.txt").write_text(title)
    command = test_patterns.encoder_command(
        ffmpeg, 0, words=title is not None, icecast=None, room="hall"
    )

    running = encoders(Program(*command, folder=tmp_path, name="ffmpeg"))

    wait_until((tmp_path / "stream.m3u8").exists, 30, running.said)
    assert running.said == ""
    # A new run counts on from the time of day, so that players take it for what follows.
    sequence = (tmp_path / "stream.m3u8").read_text().partition("MEDIA-SEQUENCE:")[2].split()[0]
    assert int(sequence) > 1_700_000_000


def test_without_a_font_there_are_no_words(ffmpeg, tmp_path, monkeypatch):
    none = tmp_path / "fonts.conf"
    none.write_text("<fontconfig></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(none))

    assert not test_patterns.can_draw_text(ffmpeg, ProcessRunner())
