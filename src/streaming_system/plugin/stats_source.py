"""The interface of stats sources: types of streaming servers that the agent can query."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from xml.etree.ElementTree import Element

from streaming_system.util.json_object import FieldProblems, JsonObject


class SourceError(Exception):
    """A server has failed or sent an invalid response; the message is one line."""


class InvalidResponseError(SourceError):
    """A server has sent a response that is not that of its type."""


@dataclass(frozen=True, kw_only=True)
class IngestStats:
    """What an encoder sends to a mount, as far as the server knows it.

    Pass numbers on as the server sends them, also as texts: the agent validates them.

    :param frame_rate: frames per second that arrive.
    :param nominal_frame_rate: frames per second that the encoder announces.
    :param keyframe_interval: seconds between two keyframes.
    :param dropped: frames or packets lost since the start of the stream.
    """

    frame_rate: Any = None
    nominal_frame_rate: Any = None
    keyframe_interval: Any = None
    width: Any = None
    height: Any = None
    dropped: Any = None


@dataclass(frozen=True, kw_only=True)
class MountStats:
    """The stats of one mount, or rendition, that is streaming.

    Pass numbers on as the server sends them, also as texts: the agent validates them.

    :param mount: its name in ``streams`` of agent.ini.
    :param clients: the number of viewers; ``None`` if the server does not report it. Publishers,
        relays and what :func:`is_check` recognises are none.
    :param segment_clients: those of them that play HLS or DASH. An access log replaces these, and
        the others count beside it; ``None``: it replaces all.
    :param includes_checks: whether the agent's own check of the mount may be among the clients;
        the agent then subtracts it.
    :param sent: bitrate to all viewers together, in bit/s.
    :param bitrate: bitrate to one viewer, in bit/s.
    :param codec: such as ``VP8, Opus``.
    :param since: start of the stream.
    :param ingest: what its encoder sends, if the server knows that.
    :param slate: whether viewers get a slate, because the stream's input is lost.
    """

    mount: str
    clients: Any = None
    segment_clients: Any = None
    includes_checks: bool = True
    sent: Any = None
    bitrate: Any = None
    codec: str = ""
    since: datetime | None = None
    ingest: IngestStats | None = None
    slate: bool = False


@dataclass(frozen=True, kw_only=True)
class SourceOption:
    """A key of a source's section in agent.ini.

    :param summary: its meaning, in one line for people.
    :param default: ``None`` for a required key.
    :param kind: ``text``, ``url``, or ``secret`` (a file can hold it: ``NAME.file``).
    """

    name: str
    summary: str
    default: str | None = ""
    kind: str = "text"


class SourceProbe(Protocol):
    """Queries a server on behalf of a source, within limits of time and size."""

    @property
    def options(self) -> Mapping[str, str]:
        """The values of the source's options, by name."""

    @property
    def mounts(self) -> Sequence[str]:
        """The mounts in agent.ini."""

    @property
    def problems(self) -> FieldProblems:
        """The invalid fields of the responses, which the agent logs. See :class:`JsonObject`."""

    def get(self, path: str = "", *, headers: Mapping[str, str] | None = None) -> bytes:
        """Return the body at a path below the option ``url``, or at an absolute URL.

        :raises SourceError: unless the status is 200, within the limits of size and time.
        """

    def json(self, path: str = "") -> Any:
        """Return the JSON at a path.

        :raises SourceError: if there is none.
        """

    def json_object(self, path: str = "") -> JsonObject:
        """Return the JSON object at a path; its invalid members are recorded in ``problems``.

        :raises SourceError: if there is no JSON.
        """

    def xml(self, path: str = "") -> Element:
        """Return the root element of the XML at a path.

        :raises SourceError: if there is none, if it has a DOCTYPE, or if it is nested too deeply.
        """

    def rate(self, key: str, total: Any) -> float | None:
        """Return the growth of a byte counter in bit/s; ``None`` until there are two samples."""

    def run(self, command: Sequence[str]) -> bytes:
        """Return the output of a command.

        :raises SourceError: if it fails, or exceeds the limits of size or time.
        """


@dataclass(frozen=True, kw_only=True)
class StatsSource:
    """A type of streaming server that the agent can query.

    :param name: value of ``use`` in agent.ini; unique among all plugins.
    :param summary: one line for people.
    :param options: the keys of its section in agent.ini besides the common ones.
    :param fetch: gets a :class:`SourceProbe` and returns a :class:`MountStats` for each mount that
        is streaming. It is called every few seconds, and raises :class:`SourceError` if the server
        fails. After a response with invalid fields, the state of missing mounts is unknown.
    """

    name: str
    summary: str
    options: Sequence[SourceOption]
    fetch: Callable[[SourceProbe], Iterable[MountStats]]


def require_object(value: Any, what: str) -> Mapping[str, Any]:
    """Return a JSON object.

    :param what: its name for the error message.
    :raises SourceError: for any other type.
    """
    if not isinstance(value, dict):
        raise InvalidResponseError(f"{what} is missing, or no object")
    return value


def require_list(value: Any, what: str) -> Sequence[Mapping[str, Any]]:
    """Return a JSON list of objects.

    :param what: its name for the error message.
    :raises SourceError: for any other type.
    """
    if not isinstance(value, list):
        raise InvalidResponseError(f"{what} is missing, or no list")
    return [require_object(item, f"an item of {what}") for item in value]
