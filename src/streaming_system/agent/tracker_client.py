"""Speaks to a tracker: by the JSON API with a token, or as the original's encoders do."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

import urllib3

from streaming_system.agent.tracker_http import (
    TOTAL_TIMEOUT,
    USER_AGENT,
    BoundedHttpClient,
    PayloadTooLargeError,
    ReportRejectedError,
    TrackerError,
    TrackerUnavailableError,
    UnauthorizedError,
    after,
    parse_delay,
)

__all__ = [
    "ApiTrackerClient",
    "LegacyTrackerClient",
    "PayloadTooLargeError",
    "ReportAck",
    "ReportRejectedError",
    "TrackerClient",
    "TrackerError",
    "TrackerUnavailableError",
    "UnauthorizedError",
    "flatten_stats",
]

PROBLEM_CONTENT_TYPE = "application/problem+json"
FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": USER_AGENT}
CHUNK_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class ReportAck:
    """What a tracker says to a report that it has taken.

    :param after: the seconds until it wants the next one; ``None`` if it does not say.
    """

    after: float | None = None
    drained: bool = False


class TrackerClient(Protocol):
    """One tracker, whichever protocol it is spoken to with."""

    url: str

    def report(
        self, room: str, name: str, state: Mapping[str, Any], *, within: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report an endpoint's state: the body of the API's ``PUT``."""

    def goodbye(self, room: str, name: str, *, within: float = TOTAL_TIMEOUT) -> None:
        """Take an endpoint out."""


class ComponentTrackerClient(TrackerClient, Protocol):
    """A tracker that is told of a machine's components.

    :param by_room: whether a report is of one room's components, or of all of a kind.
    :param annotated: whether it can be given annotations.
    """

    by_room: bool
    annotated: bool

    def components(
        self, machine: str, report: Mapping[str, Any], *, within: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report a machine's components: the body of the API's ``PUT``."""

    def annotate(self, label: str, *, room: str | None, at: datetime) -> None:
        """Write a word about a moment."""


class ApiTrackerClient(BoundedHttpClient):
    """A tracker's JSON API.

    :param server: the tracker's address, such as ``https://live.example.org/tracker``.
    :param token: what the crew has issued for this endpoint, room, or machine.
    """

    by_room = annotated = True

    def __init__(self, server: str, token: str) -> None:
        super().__init__(server)
        self._shown = {"Authorization": f"Bearer {token}"}

    def report(
        self, room: str, name: str, state: Mapping[str, Any], *, within: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report an endpoint's state.

        :raises TrackerError: unless it is taken.
        """
        said = self._api("PUT", _endpoint_path(room, name), state, within=within)
        return ReportAck(
            after=parse_delay(said.get("report_every")), drained=said.get("drained") is True
        )

    def goodbye(self, room: str, name: str, *, within: float = TOTAL_TIMEOUT) -> None:
        """Take an endpoint out at once; one that is not there is no matter.

        :raises TrackerError: unless it is taken.
        """
        self._api("DELETE", _endpoint_path(room, name), within=within, gone=True)

    def components(
        self, machine: str, report: Mapping[str, Any], *, within: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report a machine's components: the body of ``PUT /components/MACHINE``.

        :raises TrackerError: unless it is taken.
        """
        path = f"/components/{quote(machine, safe=':')}"
        said = self._api("PUT", path, report, within=within)
        return ReportAck(after=parse_delay(said.get("report_every")))

    def annotate(self, label: str, *, room: str | None, at: datetime) -> None:
        """Write an annotation, which needs a token of the crew.

        :raises TrackerError: unless it is taken.
        """
        moment = at.astimezone(UTC).isoformat(timespec="milliseconds")
        self._api("POST", "/annotations", {"at": moment, "label": label[:200], "room": room})

    def samples(self, room: str, **query: str) -> Mapping[str, Any]:
        """Return a room's figures over time.

        :raises TrackerError: if they cannot be had.
        """
        return self._api("GET", f"/rooms/{quote(room, safe='')}/samples", fields=query)

    def _api(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        gone: bool = False,
        **more: Any,
    ) -> Mapping[str, Any]:
        headers = dict(self._shown)
        if body is not None:
            headers["Content-Type"] = "application/json"
            more["body"] = json.dumps(dict(body), allow_nan=False).encode()
        headers["User-Agent"] = USER_AGENT
        answer, data = self.call(method, f"/api/v1{path}", headers=headers, **more)
        if answer.status == 204:
            return {}
        said = _parse_json_object(data)
        if said is not None and answer.status in (200, 201):
            return said
        if gone and said is not None and said.get("status") == answer.status == 404:
            return {}
        raise self._refusal(path, answer, said)

    def _refusal(
        self, path: str, answer: urllib3.BaseHTTPResponse, said: Mapping[str, Any] | None
    ) -> TrackerError:
        where = f"{self.url}/api/v1{path}"
        type_ = answer.headers.get("Content-Type", "").partition(";")[0]
        if answer.status < 300:
            return TrackerUnavailableError(
                f"{where}: does not answer as a tracker does ({_shown(type_)})"
            )
        # A 403 of a proxy is no word of the tracker's.
        if said is None or type_ != PROBLEM_CONTENT_TYPE:
            return TrackerUnavailableError(
                f"{where}: {answer.status} {answer.reason}", after=after(answer)
            )
        line = f"{where}: {answer.status} {_words(said)}"
        if answer.status in (401, 403):
            return UnauthorizedError(line, known=answer.status == 403)
        if answer.status in (400, 404, 405, 413, 415):
            return ReportRejectedError(line)
        return TrackerUnavailableError(line, after=after(answer))


def _endpoint_path(room: str, name: str) -> str:
    return f"/rooms/{quote(room, safe='')}/endpoints/{quote(name, safe=':')}"


def _parse_json_object(data: bytes) -> Mapping[str, Any] | None:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _words(problem: Mapping[str, Any]) -> str:
    """Return what a problem says, in one line."""
    words = str(problem.get("detail") or problem.get("title") or "")
    errors = problem.get("errors")
    for error in errors[:3] if isinstance(errors, list) else []:
        if isinstance(error, dict):
            where = error.get("pointer") or error.get("parameter") or ""
            words += f"; {where}: {error.get('detail', '')}"
    return _shown(words)


def _shown(words: str) -> str:
    return "".join(c if c.isprintable() else " " for c in words)[:300]


class LegacyTrackerClient(BoundedHttpClient):
    """The form protocol of the original: one secret for all.

    :param server: the tracker's address, such as ``http://127.0.0.1:8000/tracker``.
    :param secret: what the tracker's configuration calls ``secret``.
    """

    by_room = annotated = False

    def __init__(self, server: str, secret: str) -> None:
        super().__init__(server)
        self._secret = secret

    def register(
        self, group: str, figures: Mapping[str, int], *, ip: str = "", within: float = TOTAL_TIMEOUT
    ) -> str:
        """Report the figures of the endpoint that streams ``group``; return the answer.

        :param figures: ``overall_clients``, ``overall_bitrate`` (bit/s) and so on.
        :param ip: the address to register instead of the sender's; only trackers under
            development listen to it.
        :raises TrackerError: unless the tracker answers ``OK``.
        """
        return self._post("/endpoint/register", group, json.dumps(dict(figures)), ip, within)

    def logs(
        self,
        group: str,
        lines: str | bytes,
        *,
        batch: str = "",
        ip: str = "",
        within: float = TOTAL_TIMEOUT,
    ) -> str:
        """Hand in whole lines of an access log, of whatever bytes; return the answer.

        :param batch: ``SENDER:WORD``, by which the tracker knows them if they come again.
        :raises TrackerError: unless the tracker has them all on its disk.
        """
        more = {"batch": batch} if batch else {}
        return self._post("/endpoint/logs", group, lines, ip, within, **more)

    def report(
        self, room: str, name: str, state: Mapping[str, Any], *, within: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report an endpoint's figures; the protocol knows it by its address, not by its name.

        :raises TrackerError: unless the tracker answers ``OK``.
        """
        if not state.get("draining"):
            self.register(room, flatten_stats(state), within=within)
        return ReportAck()

    def goodbye(self, room: str, name: str, *, within: float = TOTAL_TIMEOUT) -> None:
        """Do nothing: in this protocol, who is silent for a minute is gone."""

    def components(
        self, machine: str, report: Mapping[str, Any], *, within: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report a machine's components as Flumotion's logger does, of whichever rooms they are.

        :param report: the body of the API's ``PUT``.
        :raises TrackerError: unless the tracker answers ``OK``.
        """
        fields = {
            "identifier": machine,
            "type": report["kind"],
            "recorded_time": str(time.time()),
            "data": json.dumps(legacy_moods(report)),
        }
        self._send("/flumotion/log", machine, fields, within)
        return ReportAck()

    def annotate(self, label: str, *, room: str | None, at: datetime) -> None:
        """Do nothing: this protocol has no annotations."""

    def _post(
        self,
        path: str,
        group: str,
        data: str | bytes,
        ip: str,
        within: float,
        **more: str,
    ) -> str:
        fields = {"group": group, **more, "data": data}
        if ip:
            fields["REMOTE_ADDR"] = ip
        return self._send(path, group, fields, within)

    def _send(self, path: str, group: str, fields: Mapping[str, str | bytes], within: float) -> str:
        form = _encode_form({"secret": self._secret, **fields})
        answer, body = self.call("POST", path, body=form, headers=FORM_HEADERS, within=within)
        said = body.decode("utf-8", "replace").strip()
        if answer.status == 200 and said == "OK":
            return said
        first = _shown(said.partition("\n")[0])[:200]
        line = f"{self.url}{path}: {group} is refused: {answer.status} {first or answer.reason}"
        if said.startswith("ERROR SECRET"):
            raise UnauthorizedError(line)
        if answer.status == 413:
            raise PayloadTooLargeError(line)
        if said.startswith("ERROR ") and 400 <= answer.status < 500 and answer.status != 429:
            raise ReportRejectedError(line)
        raise TrackerUnavailableError(line, after=after(answer))


def _encode_form(fields: Mapping[str, str | bytes]) -> bytes:
    """Encode a form; piece by piece: urllib takes dozens of bytes of memory for each byte."""
    whole = bytearray()
    for name, value in fields.items():
        whole += b"&" * bool(whole) + f"{quote_plus(name)}=".encode()
        data = value.encode() if isinstance(value, str) else value
        for begin in range(0, len(data), CHUNK_BYTES):
            whole += quote_plus(data[begin : begin + CHUNK_BYTES]).encode()
    return bytes(whole)


def flatten_stats(state: Mapping[str, Any]) -> dict[str, int]:
    """Return a report of the JSON API as figures of the form protocol."""
    found = {f"overall_{what}": state.get(what, 0) for what in ("clients", "bitrate", "cbitrate")}
    for stream, figures in state.get("figures", {}).items():
        found |= {f"{stream}_{what}": value for what, value in figures.items()}
    return found


def legacy_moods(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report of components as Flumotion's logger writes one, with Unix times."""
    current = {
        one["name"]: [one["mood"], _unix_timestamp(one["since"])]
        for one in report.get("components", ())
    }
    history: dict[str, list[Any]] = {}
    for past in report.get("history", ()):
        entry = [past["mood"], _unix_timestamp(past["since"]), past["seconds"]]
        history.setdefault(past["name"], []).append(entry)
    return {"current": current, "history": history}


def _unix_timestamp(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
