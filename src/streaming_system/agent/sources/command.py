"""Runs a command that prints stats as JSON, for servers without a source type of their own."""

import shlex
from collections.abc import Iterator

from streaming_system.agent.probe import parse_json
from streaming_system.plugin import (
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    parse_timestamp,
    require_list,
    require_object,
)

KNOWN = {"mount", "clients", "sent", "bitrate", "codec", "since"}


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="command",
            summary='a command that prints {"mounts": [{"mount": …, "clients": …}]}',
            options=(
                SourceOption(name="command", summary="what to run, without a shell", default=None),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the mounts that the command prints."""
    try:
        words = shlex.split(probe.options["command"])
    except ValueError as error:
        raise SourceError(f"command: {error}") from None
    document = require_object(parse_json(probe.run(words)), "the output")
    for mount in require_list(document.get("mounts"), "mounts"):
        if not isinstance(mount.get("mount"), str) or set(mount) - KNOWN:
            raise SourceError(f"a mount has a name and, perhaps, {', '.join(sorted(KNOWN))}")
        yield MountStats(
            mount=mount["mount"],
            clients=mount.get("clients"),
            sent=mount.get("sent"),
            bitrate=mount.get("bitrate"),
            codec=str(mount.get("codec") or ""),
            since=parse_timestamp(mount.get("since")),
        )
