"""Parses the reports of the legacy protocol's clients: a form becomes a report."""

import re
from dataclasses import dataclass
from typing import Any

from streaming_system.tracker.ingest.endpoint_report import EndpointReport, from_legacy
from streaming_system.tracker.legacy.errors import LegacyProtocolError
from streaming_system.tracker.legacy.flumotion import (
    FlumotionReport,
    InvalidReportError,
    parse_report,
)
from streaming_system.tracker.legacy.form import (
    client_address,
    field_text,
    parse_form,
    parse_lenient_form,
    require_room,
    require_secret,
)
from streaming_system.tracker.legacy.stats_schema import InvalidStatsError, parse_stats

MAX_LOGS_BODY_BYTES = 4 * 1024 * 1024
MAX_FLUMOTION_BODY_BYTES = 256 * 1024
_FLUMOTION_FIELDS = ("identifier", "type", "recorded_time", "data")
_BATCH_PATTERN = re.compile(r"([A-Za-z0-9_.-]{1,40}):([A-Za-z0-9_.-]{1,60})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class AccessLogReport:
    """Lines of the access log of an endpoint.

    :param batch: the sender and its name for the lines; ``None`` if it has none.
    """

    room: str
    name: str
    text: str
    batch: tuple[str, str] | None


def parse_registration(request: Any) -> EndpointReport:
    """Return the report in a registration.

    :raises LegacyProtocolError: if the form is invalid.
    """
    form = parse_form(request)
    room = require_room(request, form)
    ip = client_address(request, form)
    try:
        stats = parse_stats(field_text(form, "data"))
    except InvalidStatsError as error:
        raise LegacyProtocolError(f"DATA {error}") from None
    return from_legacy(room=room, ip=ip, metrics=stats, now=request.now)


def parse_access_log_report(request: Any) -> AccessLogReport:
    """Return the lines in a report of logs.

    :raises LegacyProtocolError: if the form is invalid.
    """
    form = parse_lenient_form(request, max_bytes=MAX_LOGS_BODY_BYTES, what="a report of logs")
    room = require_room(request, form)
    name = client_address(request, form)
    lines = form.get("data")
    # A missing or uploaded field must not be acknowledged.
    if not isinstance(lines, str):
        raise LegacyProtocolError("DATA there is no field data with the lines")
    return AccessLogReport(room=room, name=name, text=lines, batch=_parse_batch(form))


def parse_flumotion_report(request: Any) -> FlumotionReport:
    """Return the report of Flumotion's logger.

    :raises LegacyProtocolError: if the form is invalid.
    """
    form = parse_form(request, max_bytes=MAX_FLUMOTION_BODY_BYTES)
    require_secret(request, form)
    fields = {name: field_text(form, name) for name in _FLUMOTION_FIELDS if name in form}
    try:
        return parse_report(fields, now=request.now)
    except InvalidReportError as error:
        raise LegacyProtocolError(f"{error.field.upper()} {error}") from None


def _parse_batch(form: Any) -> tuple[str, str] | None:
    if "batch" not in form:
        return None
    match = _BATCH_PATTERN.fullmatch(field_text(form, "batch"))
    if not match:
        raise LegacyProtocolError("BATCH is not SENDER:WORD, of letters, digits and .-_")
    return match[1], match[2]
