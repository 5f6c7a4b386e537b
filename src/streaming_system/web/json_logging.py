"""Logs for programs: one JSON object a line, with the id of the request that it is about.

``class = streaming_system.web.json_logging.JsonFormatter`` in a ``[formatter_…]`` section of the
ini.
"""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

# The id of the request that is being answered; "" outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, whatever it holds.

    A record may bring more members with it: ``log.info(…, extra={"fields": {"status": 200}})``.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if about := request_id.get():
            told["request_id"] = about
        if record.exc_info and record.exc_info[0]:
            told["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        told |= {key: value for key, value in _fields(record).items() if key not in told}
        # In ASCII, nothing that somebody has sent can end the line or be no text.
        return json.dumps(told, default=str)


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}
