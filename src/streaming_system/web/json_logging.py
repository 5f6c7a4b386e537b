"""Logs as JSON objects, one per line, with the id of the current request.

``class = streaming_system.web.json_logging.JsonFormatter`` in a ``[formatter_…]`` section of the
ini.
"""

from contextvars import ContextVar
from datetime import datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter as BaseFormatter

# Empty outside of requests.
current_request_id: ContextVar[str] = ContextVar("request_id", default="")


class JsonFormatter(BaseFormatter):
    """Formats a record, and the values of its ``extra``, as one line of ASCII.

    It ignores the format strings that :mod:`logging.config` passes.
    """

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(
            ["time", "levelname", "name", "message"],
            timestamp="time",
            rename_fields={
                "levelname": "level",
                "name": "logger",
                "exc_info": "exception",
                "stack_info": "stack",
            },
            json_default=_to_json,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Add the id of the current request."""
        request_id = current_request_id.get()
        return log_data | ({"request_id": request_id} if request_id else {})


def _to_json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return str(value)
