"""The files of a room's streams below an endpoint's base URL; docs/player.md defines the names."""

from collections.abc import Iterable

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


def best_stream_url(base_url: str, streams: Iterable[str]) -> str | None:
    """Return the URL of the best stream with video, if there is one.

    :param streams: the tracker's names, such as ``hls`` or ``webm_high``.
    """
    # One master playlist has all HLS renditions.
    names = {"hls" if stream.startswith("hls_") else stream for stream in streams}
    for name, file in VIDEO_FILES.items():
        if name in names:
            return f"{base_url.rstrip('/')}/{file}"
    return None


def stream_url(base_url: str, format_: str, quality: str, hls_playlist: str) -> str | None:
    """Return the URL at which viewers play a stream; ``None`` if HTTP alone cannot play the format.

    :param hls_playlist: the path of HLS playlists below the base URL.
    """
    if format_ == "hls":
        file: str | None = hls_playlist
    else:
        is_low = quality in LOW_QUALITIES
        name = f"{format_}_low" if is_low and f"{format_}_low" in VIDEO_FILES else format_
        file = VIDEO_FILES.get(name) or OTHER_FILES.get(name)
    return f"{base_url.rstrip('/')}/{file}" if file else None
