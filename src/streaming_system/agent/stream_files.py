"""The files of a room's streams below an endpoint's base URL: docs/reference/player.md."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

from streaming_system.util.validation import RelativeUrl

DEFAULT_HLS_PLAYLIST = "stream.m3u8"
# By the tracker's name of a stream, or by its format. Preferred streams first: good pictures at
# low cost.
VIDEO_FILES = {
    "hls": DEFAULT_HLS_PLAYLIST,
    "webm_high": "webcast-high.webm",
    "webm": "webcast-high.webm",
    "mp4_high": "webcast-high.mp4",
    "mp4": "webcast-high.mp4",
    "webm_low": "webcast-low.webm",
    "mp4_low": "webcast-low.mp4",
    "slides": "slides.m3u8",
}
OTHER_FILES = {
    "ogg": "webcast.ogg",
    "opus": "webcast.ogg",
    "aac": "webcast.aac",
    "mp3": "webcast.mp3",
    "dash": "manifest.mpd",
}
LOW_QUALITIES = ("low", "sd")
# HTTP alone cannot play these.
UNPLAYABLE_FORMATS = ("rtmp", "whep")
# Those of quote() and a slash, and all others that paths of URLs may have.
_PATH_CHARACTERS = "/!$&()*+,;=:@"


def best_stream_url(base_url: str, streams: Iterable[str], files: Mapping[str, str]) -> str | None:
    """Return the URL of the best stream with video, if there is one.

    :param streams: the tracker's names, such as ``hls`` or ``webm_high``.
    :param files: paths below the base URL, by stream, where they are not the conventional ones.
    """
    # One master playlist has all HLS renditions.
    names = {"hls" if stream.startswith("hls_") else stream for stream in streams}
    for name, conventional in VIDEO_FILES.items():
        if name in names:
            return _join(base_url, _reported_file(name, files) or conventional)
    return None


def _reported_file(stream: str, files: Mapping[str, str]) -> str | None:
    # A format without a quality means the high one.
    format_ = stream.partition("_")[0]
    names = [stream] if stream.endswith("_low") else [stream, f"{format_}_high", format_]
    return next((files[name] for name in names if name in files), None)


def stream_url(base_url: str, format_: str, quality: str, file: str = "") -> str | None:
    """Return the URL at which viewers play a stream; ``None`` if HTTP alone cannot play the format.

    :param file: its path below the base URL; "" if that is the conventional one.
    """
    path = file or conventional_file(format_, quality)
    return _join(base_url, path) if path and format_ not in UNPLAYABLE_FORMATS else None


def conventional_file(format_: str, quality: str) -> str | None:
    """Return the path that players request unless an endpoint reports another one."""
    name = format_
    if quality in LOW_QUALITIES and f"{format_}_low" in VIDEO_FILES:
        name = f"{format_}_low"
    return VIDEO_FILES.get(name) or OTHER_FILES.get(name)


def mount_file(base_url: str, mount: str, format_: str, quality: str) -> str:
    """Return the path of a mount below a base URL; "" if it has the conventional one, or none.

    :param base_url: for the room of the mount.
    :param mount: a path of the server, without escapes.
    """
    base = unquote(urlsplit(base_url).path).rstrip("/") + "/"
    if not base_url or not mount.startswith(base):
        return ""
    file = quote(mount.removeprefix(base), safe=_PATH_CHARACTERS)
    is_conventional = file == conventional_file(format_, quality)
    return file if RelativeUrl().is_valid(file) and not is_conventional else ""


def _join(base_url: str, path: str) -> str:
    return f"{base_url.rstrip('/')}/{path}"
