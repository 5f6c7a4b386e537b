"""A CDN, or any server that tells nothing: what agent.ini names is there.

With ``check``, it is only there while its playlist, or whatever the address leads to, can be had.
"""

from collections.abc import Iterator
from urllib.parse import quote

from streaming_system.plugin import Option, Probe, Reading, Source, SourceError, hookimpl


@hookimpl
def encoder_sources() -> list[Source]:
    return [
        Source(
            name="static",
            summary="a CDN: a mount is any word, and there as long as `check` says so",
            options=(
                Option(
                    name="check",
                    summary="an address of each mount, with {mount}, that must answer 200",
                ),
            ),
            read=read,
        )
    ]


def read(probe: Probe) -> Iterator[Reading]:
    """Return the mounts that are there."""
    check = probe.options["check"]
    failures = []
    for mount in probe.mounts:
        try:
            if check:
                probe.get(check.replace("{mount}", quote(mount, safe="/")))
        except SourceError as error:
            failures.append(error)
            continue
        yield Reading(mount=mount)
    if failures and len(failures) == len(probe.mounts):
        # Whether the CDN is silent or the way to it is down cannot be told apart.
        raise failures[0]
