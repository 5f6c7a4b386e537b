"""Where ffmpeg is, and common arguments."""

import shutil

from streaming_system.util.user_agents import RTMP_AGENT, USER_AGENT

# Non-interactive; only errors are printed.
QUIET_FLAGS = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")


def find_ffmpeg() -> str | None:
    """Return the path of ffmpeg, if it is installed."""
    return shutil.which("ffmpeg")


def user_agent_options(url: str, purpose: str) -> tuple[str, ...]:
    """Return the options of an input by which servers and logs tell it from a viewer.

    SRT has no such name.

    :param purpose: one word for readers of access logs.
    """
    scheme = url.partition(":")[0]
    if scheme in ("http", "https", "rtsp"):
        return ("-user_agent", f"{USER_AGENT} {purpose}")
    if scheme in ("rtmp", "rtmps"):
        # nginx shows the former, SRS the latter.
        return ("-rtmp_flashver", RTMP_AGENT, "-rtmp_swfurl", RTMP_AGENT)
    return ()
