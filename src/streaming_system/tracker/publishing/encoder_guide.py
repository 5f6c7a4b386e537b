"""What an operator types into an encoder to publish a room."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from streaming_system.tracker.ingest_address import IngestAddress

KEYFRAME_SECONDS = 2
# The bit rates are for 720p or 1080p with slides and a speaker.
FFMPEG_RTMP = (
    "ffmpeg -re -i INPUT -c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 3000k -maxrate 3000k "
    f"-bufsize 6000k -sc_threshold 0 -force_key_frames 'expr:gte(t,n_forced*{KEYFRAME_SECONDS})' "
    "-c:a aac -b:a 128k -ar 48000 -f flv {url}"
)
FFMPEG_ICECAST = (
    "ffmpeg -re -i INPUT -c:v libvpx -deadline realtime -cpu-used 8 -b:v 1200k -g 25 -c:a libopus "
    "-b:a 64k -f webm -cluster_size_limit 8M -cluster_time_limit 10000 -content_type video/webm "
    "{url}"
)


@dataclass(frozen=True, kw_only=True)
class EncoderGuide:
    """The settings of one encoder.

    :param fields: the names and values of its fields, in the order of its dialog.
    """

    encoder: str
    fields: tuple[tuple[str, str], ...]


def encoder_guides(settings: Mapping[str, Any], room: str, key: str) -> list[EncoderGuide]:
    """Return what to type into each encoder; none if the ini file has no address for the room.

    :param settings: the app's, for ``ingest.rtmp``, ``ingest.whip`` and ``ingest.icecast``, each an
        :class:`IngestAddress`.
    :param key: the text of the stream key.
    """
    rtmp, whip, icecast = (_url(settings, name, room) for name in ("rtmp", "whip", "icecast"))
    guides = []
    if rtmp:
        guides += _rtmp_guides(rtmp, f"{room}?key={key}")
    if whip:
        guides.append(_whip_guide(whip, key))
    if icecast:
        guides.append(_icecast_guide(icecast, key))
    return guides


def _url(settings: Mapping[str, Any], name: str, room: str) -> str:
    address: IngestAddress = settings[f"ingest.{name}"]
    return address.url(room)


def _rtmp_guides(server: str, stream: str) -> list[EncoderGuide]:
    return [
        EncoderGuide(
            encoder="OBS",
            fields=(
                ("Settings, Stream, Service", "Custom…"),
                ("Server", server),
                ("Stream Key", stream),
                ("Output, Keyframe Interval", f"{KEYFRAME_SECONDS} s"),
            ),
        ),
        EncoderGuide(
            encoder="vMix",
            fields=(
                ("Destination", "Custom RTMP Server"),
                ("URL", server),
                ("Stream Name or Key", stream),
                ("Quality, Keyframe Frequency", f"{KEYFRAME_SECONDS} s"),
            ),
        ),
        EncoderGuide(
            encoder="ffmpeg",
            fields=(("Command", FFMPEG_RTMP.format(url=shlex.quote(f"{server}/{stream}"))),),
        ),
    ]


def _whip_guide(endpoint: str, key: str) -> EncoderGuide:
    return EncoderGuide(
        encoder="WHIP",
        fields=(
            ("Settings, Stream, Service", "WHIP"),
            ("Server", endpoint.replace("{key}", key)),
            ("Bearer Token", key),
            ("Output, Keyframe Interval", f"{KEYFRAME_SECONDS} s"),
        ),
    )


def _icecast_guide(mount: str, key: str) -> EncoderGuide:
    parts = urlsplit(mount)
    url = parts._replace(netloc=f"source:{quote(key, safe='')}@{parts.netloc}").geturl()
    return EncoderGuide(
        encoder="ffmpeg to Icecast",
        fields=(("Command", FFMPEG_ICECAST.format(url=shlex.quote(url))),),
    )
