"""Output of programs in error messages."""

from streaming_system.agent.subprocesses import last_line


def test_last_line_skips_the_repeat_count_of_ffmpeg():
    stderr = "Error while decoding stream #0:0\n    Last message repeated 4 times\n\n"

    assert last_line(stderr) == "Error while decoding stream #0:0"
