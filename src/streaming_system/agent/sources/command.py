"""Any server for which somebody has written a command that prints JSON."""

import shlex
from collections.abc import Iterator

from streaming_system.agent.probe import read_json
from streaming_system.plugin import (
    Option,
    Probe,
    Reading,
    Source,
    SourceError,
    hookimpl,
    moment,
    whole_list,
    whole_object,
)

KNOWN = {"mount", "clients", "sent", "bitrate", "codec", "since"}


@hookimpl
def encoder_sources() -> list[Source]:
    return [
        Source(
            name="command",
            summary='a command that prints {"mounts": [{"mount": …, "clients": …}]}',
            options=(Option(name="command", summary="what to run, without a shell", default=None),),
            read=read,
        )
    ]


def read(probe: Probe) -> Iterator[Reading]:
    """Return what the command has printed."""
    try:
        words = shlex.split(probe.options["command"])
    except ValueError as error:
        raise SourceError(f"command: {error}") from None
    said = whole_object(read_json(probe.run(words)), "what is printed")
    for mount in whole_list(said.get("mounts"), "mounts"):
        if not isinstance(mount.get("mount"), str) or set(mount) - KNOWN:
            raise SourceError(f"a mount has a name and, perhaps, {', '.join(sorted(KNOWN))}")
        yield Reading(
            mount=mount["mount"],
            clients=mount.get("clients"),
            sent=mount.get("sent"),
            bitrate=mount.get("bitrate"),
            codec=str(mount.get("codec") or ""),
            since=moment(mount.get("since")),
        )
