"""Client of the form protocol of the original system."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from streaming_system.agent.tracker_client import ReportAck, printable_line
from streaming_system.agent.tracker_http import (
    TOTAL_TIMEOUT,
    BoundedHttpClient,
    PayloadTooLargeError,
    ReportRejectedError,
    TrackerUnavailableError,
    UnauthorizedError,
    retry_after,
)
from streaming_system.util.user_agents import USER_AGENT

FORM_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": USER_AGENT}
CHUNK_BYTES = 16 * 1024
MAX_MESSAGE_CHARS = 200
# The first words after ERROR in a response with status 200 by which a tracker rejects the content.
# After all others, such as DATABASE, AWAY, LOGS and INTERNAL, the same report may succeed later.
REJECTION_CODES = frozenset(
    {
        "GROUP",
        "DATA",
        "FORM",
        "REMOTE_ADDR",
        "BATCH",
        "IDENTIFIER",
        "TYPE",
        "RECORDED_TIME",
        "LIMIT",
    }
)


class LegacyTrackerClient(BoundedHttpClient):
    """Client of the form protocol, which has one secret for all.

    :param server: URL of the tracker, such as ``http://127.0.0.1:8000/tracker``.
    :param secret: the ``secret`` of the tracker's configuration.
    """

    reports_by_room = supports_annotations = False

    def __init__(self, server: str, secret: str) -> None:
        super().__init__(server)
        self._secret = secret

    def register(
        self, room: str, stats: Mapping[str, int], *, ip: str = "", timeout: float = TOTAL_TIMEOUT
    ) -> str:
        """Report the stats of the endpoint that streams a room; return the tracker's message.

        :param stats: ``overall_clients``, ``overall_bitrate`` (bit/s) and so on.
        :param ip: the address to register instead of the sender's; only a tracker in development
            mode accepts it.
        :raises TrackerError: unless the tracker responds with ``OK``.
        """
        fields = {"data": json.dumps(dict(stats)), **_address_field(ip)}
        return self._post("/endpoint/register", room, {"group": room, **fields}, timeout)

    def send_logs(
        self,
        room: str,
        lines: str | bytes,
        *,
        batch: str = "",
        ip: str = "",
        timeout: float = TOTAL_TIMEOUT,
    ) -> str:
        """Send complete lines of an access log, in any encoding; return the tracker's message.

        :param batch: ``SENDER:WORD``, by which the tracker recognises a retry.
        :raises TrackerError: unless the tracker has stored all lines.
        """
        fields = {"group": room, **({"batch": batch} if batch else {}), "data": lines}
        return self._post("/endpoint/logs", room, {**fields, **_address_field(ip)}, timeout)

    def report(
        self, room: str, name: str, state: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report the stats of an endpoint; the protocol identifies it by its address, not its name.

        :raises TrackerError: unless the tracker responds with ``OK``.
        """
        if not state.get("draining"):
            self.register(room, flatten_stats(state), timeout=timeout)
        return ReportAck()

    def deregister(self, room: str, name: str, *, timeout: float = TOTAL_TIMEOUT) -> None:
        """Do nothing: in this protocol, an endpoint expires after a minute without a report."""

    def report_components(
        self, machine: str, report: Mapping[str, Any], *, timeout: float = TOTAL_TIMEOUT
    ) -> ReportAck:
        """Report a machine's components in the format of Flumotion's logger.

        :param report: the body of the API's ``PUT``.
        :raises TrackerError: unless the tracker responds with ``OK``.
        """
        fields = {
            "identifier": machine,
            "type": report["kind"],
            "recorded_time": str(time.time()),
            "data": json.dumps(legacy_moods(report)),
        }
        self._post("/flumotion/log", machine, fields, timeout)
        return ReportAck()

    def annotate(self, label: str, *, room: str | None, at: datetime) -> None:
        """Do nothing: this protocol has no annotations."""

    def _post(
        self, path: str, subject: str, fields: Mapping[str, str | bytes], timeout: float
    ) -> str:
        form = _encode_form({"secret": self._secret, **fields})
        response, body = self.call("POST", path, body=form, headers=FORM_HEADERS, timeout=timeout)
        message = body.decode("utf-8", "replace").strip()
        if response.status == 200 and message == "OK":
            return message
        first_line = printable_line(message.partition("\n")[0])[:MAX_MESSAGE_CHARS]
        reason = f"{response.status} {first_line or response.reason}"
        line = f"{self.url}{path}: {subject} is refused: {reason}"
        code = _error_code(message)
        if code == "SECRET":
            raise UnauthorizedError(line)
        if response.status == 413:
            raise PayloadTooLargeError(line)
        # Older trackers refuse a report with another status than 200.
        is_client_error = 400 <= response.status < 500 and response.status != 429
        if (code and is_client_error) or (code in REJECTION_CODES and response.status == 200):
            raise ReportRejectedError(line)
        raise TrackerUnavailableError(line, retry_after=retry_after(response))


def _error_code(message: str) -> str:
    """Return the word after ``ERROR``, "" if a response is no error of the protocol."""
    words = message.split(maxsplit=2)
    return words[1] if len(words) > 1 and words[0] == "ERROR" else ""


def _address_field(ip: str) -> dict[str, str]:
    return {"REMOTE_ADDR": ip} if ip else {}


def _encode_form(fields: Mapping[str, str | bytes]) -> bytes:
    """Encode a form in chunks, because urllib needs dozens of bytes of memory for each byte."""
    form = bytearray()
    for name, value in fields.items():
        form += b"&" * bool(form) + f"{quote_plus(name)}=".encode()
        data = value.encode() if isinstance(value, str) else value
        for start in range(0, len(data), CHUNK_BYTES):
            form += quote_plus(data[start : start + CHUNK_BYTES]).encode()
    return bytes(form)


def flatten_stats(state: Mapping[str, Any]) -> dict[str, int]:
    """Return a report of the JSON API as stats of the form protocol."""
    stats = {f"overall_{name}": state.get(name, 0) for name in ("clients", "bitrate", "cbitrate")}
    for stream, values in state.get("figures", {}).items():
        stats |= {f"{stream}_{name}": value for name, value in values.items()}
    return stats


def legacy_moods(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a report of components in the format of Flumotion's logger, with Unix times."""
    current = {
        component["name"]: [component["mood"], _unix_timestamp(component["since"])]
        for component in report.get("components", ())
    }
    history: dict[str, list[Any]] = {}
    for past in report.get("history", ()):
        entry = [past["mood"], _unix_timestamp(past["since"]), past["seconds"]]
        history.setdefault(past["name"], []).append(entry)
    return {"current": current, "history": history}


def _unix_timestamp(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()
