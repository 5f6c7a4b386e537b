"""Test patterns with the room's name and a clock, encoded by ffmpeg."""

import contextlib
import tempfile
from pathlib import Path

from streaming_system.agent.ffmpeg import QUIET_FLAGS
from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.demo.icecast import Icecast

# Each room has another picture and tone. Three small streams run on two cores.
VIDEO_SOURCES = ("testsrc2", "smptehdbars", "pal100bars", "rgbtestsrc")
TONES_HZ = (220, 277, 330, 392)
FRAME_SIZE, FRAME_RATE = "640x360", 10
HLS_BITRATE, WEBM_BITRATE = 400_000, 180_000
# The name in the middle, the clock below it. The name is in a file because of special characters.
NAME_FILTER = (
    "drawtext=textfile=name.txt:expansion=none:fontsize=44:fontcolor=white:box=1:boxborderw=14:"
    "boxcolor=black@0.7:x=(w-tw)/2:y=h/2-th-20"
)
# Clusters end at keyframes only. Icecast lets a player join at any cluster, and browsers can only
# decode a stream that begins with a keyframe.
WEBM_CLUSTER_OPTIONS = ("-cluster_size_limit", "8M", "-cluster_time_limit", "10000")
CLOCK_FILTER = (
    r"drawtext=text='%{localtime\:%X}':fontsize=44:fontcolor=white:box=1:boxborderw=14:"
    "boxcolor=black@0.7:x=(w-tw)/2:y=h/2+20"
)


def can_draw_text(ffmpeg: str, runner: ProcessRunner) -> bool:
    """Return whether this ffmpeg can draw text, and has a font."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(ProgramError):
        (Path(folder) / "name.txt").write_text("Room")
        picture = ("-f", "lavfi", "-i", f"testsrc2=size={FRAME_SIZE}", "-frames:v", "1")
        filters = ("-vf", f"{NAME_FILTER},{CLOCK_FILTER}")
        command = [ffmpeg, *QUIET_FLAGS, *picture, *filters, "-f", "null", "-"]
        return runner.run(command, 20, cwd=Path(folder)).status == 0
    return False


def encoder_command(
    ffmpeg: str, number: int, *, with_text: bool, icecast: Icecast | None, room: str
) -> list[str]:
    """Return the command that encodes a room's pattern; it runs in the room's HLS folder.

    :param number: the index of the room.
    :param icecast: also receives the stream as WebM.
    """
    # The pattern testsrc has a counter of its own.
    picture = VIDEO_SOURCES[number % len(VIDEO_SOURCES)] if with_text else "testsrc"
    filters = f"[0:v]{NAME_FILTER},{CLOCK_FILTER}" if with_text else "[0:v]null"
    filters += ",format=yuv420p"
    filters += ",split[hls][full];[full]scale=320:180[webm]" if icecast else "[hls]"
    return [
        ffmpeg, *QUIET_FLAGS,
        "-re", "-f", "lavfi", "-i", f"{picture}=size={FRAME_SIZE}:rate={FRAME_RATE}",
        "-re", "-f", "lavfi", "-i", f"sine=frequency={TONES_HZ[number % len(TONES_HZ)]},volume=0.1",
        "-filter_complex", filters,
        *("-map", "[hls]", "-map", "1:a", "-threads", "1"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency"),
        *("-g", str(2 * FRAME_RATE), "-maxrate", "350k", "-bufsize", "700k"),
        *("-c:a", "aac", "-b:a", "48k"),
        *("-f", "hls", "-hls_time", "2", "-hls_list_size", "8"),
        # After a restart, segment numbers continue, so that players continue.
        *("-hls_start_number_source", "epoch", "-hls_flags", "delete_segments+temp_file"),
        "stream.m3u8",
        *(_webm_options(icecast, room) if icecast else ()),
    ]  # fmt: skip


def _webm_options(icecast: Icecast, room: str) -> list[str]:
    return [
        *("-map", "[webm]", "-map", "1:a", "-threads", "1"),
        *("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "150k"),
        *("-g", str(FRAME_RATE), "-c:a", "libopus", "-b:a", "32k"),
        *("-f", "webm", *WEBM_CLUSTER_OPTIONS, "-content_type", "video/webm"),
        icecast.source_url(mount_path(room)),
    ]  # fmt: skip


def mount_path(room: str) -> str:
    """Return the mount of a room's WebM stream; its name is fixed, see docs/reference/player.md."""
    return f"/{room}/webcast-high.webm"
