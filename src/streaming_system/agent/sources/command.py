"""Runs a command that prints stats as JSON, for servers without a source type of their own."""

import shlex
from collections.abc import Iterator

from streaming_system.agent.probe import parse_json
from streaming_system.plugin import (
    JsonObject,
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
    parse_timestamp,
)

KNOWN = ("mount", "clients", "sent", "bitrate", "codec", "since", "slate")


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
        raise SourceError(f"command: is no command: {str(error).lower()}") from None
    document = JsonObject(parse_json(probe.run(words)), "", probe.problems)
    for mount in document.objects("mounts", required=True):
        if unknown := [key for key in mount if key not in KNOWN]:
            problem = f"has an unknown key {ascii(unknown[0])[:40]}; allowed: {', '.join(KNOWN)}"
            probe.problems.add(mount.place, problem)
            continue
        yield MountStats(
            mount=mount.text("mount", required=True),
            clients=mount.get("clients"),
            sent=mount.get("sent"),
            bitrate=mount.get("bitrate"),
            codec=mount.text("codec"),
            since=parse_timestamp(mount.get("since")),
            slate=bool(mount.flag("slate")),
        )
