"""Checks the response of an HTTP server."""

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.fetch import FetchError, fetch_url
from streaming_system.agent.supervisor.check_result import CheckResult, happy, sad
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.net.request_deadline import deadline_pool_manager

MAX_BODY_BYTES = 1024 * 1024


class HttpCheck:
    """Checks the status, and optionally a text in the body."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._url = section.full_url("url", "http", "https")
        text = section.text("status", "200")
        statuses = text.replace(",", " ").split()
        if not all(s.isascii() and s.isdigit() and 100 <= int(s) <= 599 for s in statuses):
            raise section.error("status", text, "expected statuses, such as 200, or 200 302")
        self._statuses = {int(status) for status in statuses}
        self._text = section.text("text", "").encode()
        self._pool = deadline_pool_manager()

    def __call__(self, timeout: float) -> CheckResult:
        """Return whether the response is as expected."""
        try:
            result = fetch_url(
                self._pool,
                self._url,
                timeout=timeout,
                max_bytes=MAX_BODY_BYTES,
                follow_redirects=False,
            )
        except FetchError as error:
            return sad(str(error))
        if result.status not in self._statuses:
            return sad(f"responds with status {result.status}")
        if self._text not in result.body:
            return sad("responds without the expected text")
        return happy()
