"""What is shown of what other programs say."""

from streaming_system.agent.subprocesses import last_line


def test_that_ffmpeg_would_repeat_itself_is_not_what_it_said():
    said = "Error while decoding stream #0:0\n    Last message repeated 4 times\n\n"

    assert last_line(said) == "Error while decoding stream #0:0"
