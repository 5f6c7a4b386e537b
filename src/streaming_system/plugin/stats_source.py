"""What a source of figures is: how the agent beside a streaming server learns who watches what."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from xml.etree.ElementTree import Element


class SourceError(Exception):
    """A server that does not say what it should, with one line that says why."""


@dataclass(frozen=True, kw_only=True)
class MountStats:
    """What a server says of one mount, or rendition, that is streaming.

    Numbers are passed on as the server has them, as texts, too: the agent checks them all.

    :param mount: what it is called, as agent.ini's ``streams`` name it.
    :param clients: how many watch; ``None`` if the server does not say.
    :param sent: what is sent to all of them together, in bit/s.
    :param bitrate: what one of them gets, in bit/s.
    :param codec: such as ``VP8, Opus``.
    :param since: when the stream began.
    """

    mount: str
    clients: Any = None
    sent: Any = None
    bitrate: Any = None
    codec: str = ""
    since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class SourceOption:
    """A key that a source has in its section of agent.ini.

    :param summary: what it means, in one line for people.
    :param default: ``None`` if it must be given.
    :param kind: ``text``, ``url``, or ``secret`` (which may lie in a file: ``NAME.file``).
    """

    name: str
    summary: str
    default: str | None = ""
    kind: str = "text"


class SourceProbe(Protocol):
    """What a source asks its server with. All of it is bounded in time and size."""

    @property
    def options(self) -> Mapping[str, str]:
        """The values of the source's options, by name."""

    @property
    def mounts(self) -> Sequence[str]:
        """The mounts that agent.ini names."""

    def get(self, path: str = "", *, headers: Mapping[str, str] | None = None) -> bytes:
        """Return what lies at a path below the option ``url``, or at a whole address.

        :raises SourceError: unless the answer is a 200 of a sane size in a sane time.
        """

    def json(self, path: str = "") -> Any:
        """Return the JSON at a path.

        :raises SourceError: if there is none.
        """

    def xml(self, path: str = "") -> Element:
        """Return the root of the XML at a path; one with a DOCTYPE, or very deep, is none.

        :raises SourceError: if there is none.
        """

    def rate(self, key: str, total: Any) -> float | None:
        """Return how fast a total of bytes grows, in bit/s; ``None`` if that is not known yet."""

    def run(self, command: Sequence[str]) -> bytes:
        """Return what a command prints.

        :raises SourceError: unless it ends well, with a sane amount of words, in a sane time.
        """


@dataclass(frozen=True, kw_only=True)
class StatsSource:
    """One kind of server that figures can be read from.

    :param name: how agent.ini names it in ``use``; unique among all plugins.
    :param summary: what it is, in one line for people.
    :param options: the keys that its section may have besides those of every source.
    :param read: takes a :class:`SourceProbe` and returns a :class:`MountStats` for each mount that is
        streaming at the moment. It is called every few seconds; a server that cannot be read
        raises :class:`SourceError`.
    """

    name: str
    summary: str
    options: Sequence[SourceOption]
    read: Callable[[SourceProbe], Iterable[MountStats]]


def require_object(value: Any, what: str) -> Mapping[str, Any]:
    """Return a JSON object.

    :param what: what it should be, for people.
    :raises SourceError: if it is something else.
    """
    if not isinstance(value, dict):
        raise SourceError(f"{what} is missing, or no object")
    return value


def require_list(value: Any, what: str) -> Sequence[Mapping[str, Any]]:
    """Return a JSON list of objects.

    :param what: what it should be, for people.
    :raises SourceError: if it is something else.
    """
    if not isinstance(value, list):
        raise SourceError(f"{what} is missing, or no list")
    return [require_object(item, f"an item of {what}") for item in value]


def parse_timestamp(value: Any) -> datetime | None:
    """Return a time of RFC 3339 or ISO 8601 with its offset; ``None`` if it is none."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else None
