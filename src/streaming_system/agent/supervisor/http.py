"""A server answers as it should."""

import urllib3

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, happy, sad
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.fetch import FetchError, fetch_url

MAX_BODY_BYTES = 1024 * 1024


class HttpCheck:
    """Asks an address."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._url = section.address("url", "http", "https")
        text = section.text("status", "200")
        statuses = text.replace(",", " ").split()
        if not all(s.isascii() and s.isdigit() and 100 <= int(s) <= 599 for s in statuses):
            raise section.error("status", text, "what it may answer, such as 200, or 200 302")
        self._statuses = {int(status) for status in statuses}
        self._text = section.text("text", "").encode()
        self._pool = urllib3.PoolManager()

    def __call__(self, within: float) -> CheckResult:
        """Return whether it answers so."""
        try:
            answer = fetch_url(
                self._pool, self._url, within=within, most=MAX_BODY_BYTES, follow=False
            )
        except FetchError as error:
            return sad(str(error))
        if answer.status not in self._statuses:
            return sad(f"answers {answer.status}")
        if self._text not in answer.body:
            return sad("does not say what it should")
        return happy()
