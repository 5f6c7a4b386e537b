"""A stream over HTTP flows: Icecast's, or any other that does not end."""

import time

import urllib3

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, happy, hungry, sad
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.fetch import FetchError, open_response

# What a server has kept for whoever comes is sent at once, and says nothing of what flows.
BURST_GRACE = 1.0


class StreamCheck:
    """Listens for a few seconds."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._url = section.address("url", "http", "https")
        self._least = section.bits("bitrate") or 1
        self._seconds = section.number("seconds", 4, least=1, most=60)
        self._pool = urllib3.PoolManager()

    def __call__(self, within: float) -> CheckResult:
        """Return whether enough flows."""
        try:
            with open_response(self._pool, self._url, wait=self._seconds, follow=True) as answer:
                if answer.status != 200:
                    return sad(f"answers {answer.status}")
                rate = self._rate(answer)
        except FetchError as error:
            return sad(str(error))
        if rate is None:
            return sad("has ended")
        shown = f"{rate / 1000:,.0f} kbit/s"
        if rate < 1:
            return sad("nothing flows")
        return hungry(f"only {shown}") if rate < self._least else happy(shown)

    def _rate(self, answer: urllib3.BaseHTTPResponse) -> float | None:
        """Return what flows, in bit/s; ``None`` if it has ended."""
        began = time.monotonic()
        size = 0
        while (passed := time.monotonic() - began) < BURST_GRACE + self._seconds:
            try:
                piece = answer.read1(65536)
            except urllib3.exceptions.ReadTimeoutError:
                break
            if not piece:
                return None
            if passed >= BURST_GRACE:
                size += len(piece)
        return size * 8 / self._seconds
