"""Client of a tracker's JSON API, and the interface of all tracker clients."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

import urllib3

from streaming_system.agent.tracker_clock import TrackerClock
from streaming_system.agent.tracker_http import (
    TOTAL_TIMEOUT,
    BoundedHttpClient,
    NameTakenError,
    ReportRejectedError,
    TrackerError,
    TrackerUnavailableError,
    UnauthorizedError,
    parse_delay,
    retry_after,
)
from streaming_system.util.foreign_json import DocumentError, parse_foreign_json
from streaming_system.util.user_agents import USER_AGENT

PROBLEM_CONTENT_TYPE = "application/problem+json"
MAX_LABEL_CHARS = 200
MAX_MESSAGE_CHARS = 300
MAX_REPORTED_ERRORS = 3


@dataclass(frozen=True, kw_only=True)
class ReportAck:
    """The tracker's response to an accepted report.

    :param report_interval: seconds until the tracker expects the next one; ``None`` if it does not
        say.
    :param drained: the crew has drained the endpoint.
    """

    report_interval: float | None = None
    drained: bool = False


class TrackerClient(Protocol):
    """Client of one tracker, for either protocol."""

    url: str
    clock: TrackerClock

    def report(
        self, room: str, name: str, state: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report the state of an endpoint: the body of ``PUT /rooms/ROOM/endpoints/NAME``."""

    def deregister(self, room: str, name: str, *, timeout: float = TOTAL_TIMEOUT) -> None:
        """Remove an endpoint."""


class ComponentTrackerClient(TrackerClient, Protocol):
    """Client that can report the components of a machine.

    :param reports_by_room: whether a report has the components of one room, or of all rooms.
    :param supports_annotations: whether :meth:`annotate` has an effect.
    """

    reports_by_room: bool
    supports_annotations: bool

    def report_components(
        self, machine: str, report: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report a machine's components: the body of ``PUT /components/MACHINE``."""

    def annotate(self, label: str, *, room: str | None, at: datetime) -> None:
        """Add an annotation to the graphs."""

    def compare_clocks(self) -> None:
        """Compare the clocks before the first report, which has times."""


class ApiTrackerClient(BoundedHttpClient):
    """Client of a tracker's JSON API.

    :param server: URL of the tracker, such as ``https://live.example.org/tracker``.
    :param token: issued by the crew for this endpoint, room, or machine.
    :param instance: the id of this agent; "" if its endpoints have no other agents.
    """

    reports_by_room = supports_annotations = True

    def __init__(self, server: str, token: str, *, instance: str = "") -> None:
        super().__init__(server)
        self._token, self._instance = token, instance

    def report(
        self, room: str, name: str, state: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report the state of an endpoint.

        :raises TrackerError: if the tracker does not accept it.
        """
        body = {**state, **self._clock_member()}
        if self._instance:
            body["instance"] = self._instance
        result = self._call_api("PUT", _endpoint_path(room, name), body, timeout=timeout)
        return ReportAck(
            report_interval=parse_delay(result.get("report_every")),
            drained=result.get("drained") is True,
        )

    def deregister(self, room: str, name: str, *, timeout: float = TOTAL_TIMEOUT) -> None:
        """Remove an endpoint at once.

        It is no error if the tracker does not have it, or has that of another agent.

        :raises TrackerError: if the tracker does not accept it.
        """
        query = {"instance": self._instance} if self._instance else {}
        with contextlib.suppress(NameTakenError):
            self._call_api(
                "DELETE",
                _endpoint_path(room, name),
                timeout=timeout,
                may_be_missing=True,
                fields=query,
            )

    def report_components(
        self, machine: str, report: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report a machine's components: the body of ``PUT /components/MACHINE``.

        :raises TrackerError: if the tracker does not accept it.
        """
        path = f"/components/{quote(machine, safe=':')}"
        body = {**report, **self._clock_member()}
        result = self._call_api("PUT", path, body, timeout=timeout)
        return ReportAck(report_interval=parse_delay(result.get("report_every")))

    def annotate(self, label: str, *, room: str | None, at: datetime) -> None:
        """Add an annotation, which needs a crew token.

        :raises TrackerError: if the tracker does not accept it.
        """
        timestamp = at.astimezone(UTC).isoformat(timespec="milliseconds")
        annotation = {"at": timestamp, "label": label[:MAX_LABEL_CHARS], "room": room}
        self._call_api("POST", "/annotations", annotation)

    def fetch_samples(self, room: str, **query: str) -> Mapping[str, Any]:
        """Return the samples of a room.

        :raises TrackerError: if the tracker does not return them.
        """
        return self._call_api("GET", f"/rooms/{quote(room, safe='')}/samples", fields=query)

    def _clock_member(self) -> dict[str, float]:
        offset = self.clock.offset
        return {} if offset is None else {"clock_offset": round(offset, 1)}

    def _call_api(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        may_be_missing: bool = False,
        **options: Any,
    ) -> Mapping[str, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": USER_AGENT}
        if body is not None:
            headers["Content-Type"] = "application/json"
            options["body"] = json.dumps(dict(body), allow_nan=False).encode()
        response, data = self.call(method, f"/api/v1{path}", headers=headers, **options)
        if response.status == 204:
            return {}
        document = _parse_json_object(data)
        if document is not None and response.status in (200, 201):
            return document
        if may_be_missing and document and document.get("status") == response.status == 404:
            return {}
        raise self._error(path, response, document)

    def _error(
        self, path: str, response: urllib3.BaseHTTPResponse, document: Mapping[str, Any] | None
    ) -> TrackerError:
        url = f"{self.url}/api/v1{path}"
        content_type = response.headers.get("Content-Type", "").partition(";")[0]
        if response.status < 300:
            shown = printable_line(content_type)
            return TrackerUnavailableError(f"{url}: is not the API of a tracker ({shown})")
        # Without a problem document, the response is not the tracker's: a proxy may send 403, too.
        if document is None or content_type != PROBLEM_CONTENT_TYPE:
            return TrackerUnavailableError(
                f"{url}: {response.status} {response.reason}", retry_after=retry_after(response)
            )
        line = f"{url}: {response.status} {_describe_problem(document)}"
        if response.status in (401, 403):
            return UnauthorizedError(line, is_forbidden=response.status == 403)
        if response.status == 409 and str(document.get("type")).endswith("#name-taken"):
            return NameTakenError(line)
        if response.status in (400, 404, 405, 413, 415):
            return ReportRejectedError(line)
        return TrackerUnavailableError(line, retry_after=retry_after(response))


def _endpoint_path(room: str, name: str) -> str:
    return f"/rooms/{quote(room, safe='')}/endpoints/{quote(name, safe=':')}"


def _parse_json_object(data: bytes) -> Mapping[str, Any] | None:
    try:
        document = parse_foreign_json(data)
    except DocumentError:
        return None
    return document if isinstance(document, dict) else None


def _describe_problem(problem: Mapping[str, Any]) -> str:
    """Return a problem document (RFC 9457) as one line."""
    text = str(problem.get("detail") or problem.get("title") or "")
    errors = problem.get("errors")
    for error in errors[:MAX_REPORTED_ERRORS] if isinstance(errors, list) else []:
        if isinstance(error, dict):
            place = error.get("pointer") or error.get("parameter") or ""
            text += f"; {place}: {error.get('detail', '')}"
    return printable_line(text)


def printable_line(text: str) -> str:
    """Return a text of a server as one printable line."""
    return "".join(c if c.isprintable() else " " for c in text)[:MAX_MESSAGE_CHARS]
