"""How ffmpeg reads a stream: with few protocols and formats, and through the filtering proxy."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from streaming_system.agent.ffmpeg import user_agent_options
from streaming_system.agent.open_checks import open_check
from streaming_system.agent.preview.admission import KEY as NETWORKS_KEY
from streaming_system.agent.subprocesses import ProgramError
from streaming_system.net.filtering_proxy import Admits, FilteringProxy

# Allowed protocols by scheme: a playlist can refer neither to files nor to other protocols.
PROTOCOLS = {
    "http": "http,https,httpproxy,tcp,tls,crypto",
    "https": "http,https,httpproxy,tcp,tls,crypto",
    "rtmp": "rtmp,tcp",
    "rtmps": "rtmps,tls,tcp",
}
# ffmpeg supports many more formats; some of them refer to other resources.
INPUT_FORMATS = "hls,mpegts,mov,mp4,matroska,webm,flv,live_flv,ogg,aac,mp3,webvtt"
MAX_PIXELS = 7680 * 4320


def input_options(url: str, timeout: float, *, seconds: float | None = None) -> list[str]:
    """Return the options of ffmpeg for a stream.

    :param timeout: seconds without data.
    :param seconds: how much of the stream is read; ``None`` for no limit.
    """
    scheme = url.partition(":")[0]
    options = ["-protocol_whitelist", PROTOCOLS[scheme], "-format_whitelist", INPUT_FORMATS]
    options += ["-rw_timeout", str(round(timeout * 1_000_000))]
    options += user_agent_options(url, "preview")
    # A live stream may start between two key frames. ffmpeg reports errors until the next one.
    options += ["-max_error_rate", "1"]
    options += ["-analyzeduration", "3000000", "-max_pixels", str(MAX_PIXELS)]
    if seconds is not None:
        options += ["-t", f"{seconds:g}"]
    return [*options, "-threads", "1", "-i", url]


@contextmanager
def filtered_connections(url: str, admits: Admits, timeout: float) -> Iterator[Mapping[str, str]]:
    """Run a filtering proxy for a check; yield the environment in which ffmpeg connects through it.

    :param admits: decides about each HTTP connection. URLs of RTMP come from agent.ini only, and
        refer to no others.
    :raises ProgramError: if the block raises one: the refused connection, if there is one.
    """
    with open_check(url), FilteringProxy(admits, timeout=timeout) as proxy:
        try:
            # The environment applies to playlists, segments and redirects, too.
            yield {"http_proxy": proxy.url, "no_proxy": ""}
        except ProgramError:
            if not proxy.refused:
                raise
            raise ProgramError(
                f"{proxy.refused} is not admitted; if it is right, name its address in "
                f"{NETWORKS_KEY} of [preview]"
            ) from None
