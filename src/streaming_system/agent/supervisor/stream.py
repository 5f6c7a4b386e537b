"""Checks that an endless HTTP stream, such as Icecast's, transfers data."""

import time

import urllib3

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.fetch import FetchError, open_stream
from streaming_system.agent.open_checks import open_check
from streaming_system.agent.supervisor.check_result import CheckResult, happy, hungry, sad
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.net.bounded_http import CHUNK_BYTES
from streaming_system.net.request_deadline import deadline_pool_manager

# A server sends its buffer to a new client at once; the measurement begins after that burst.
BURST_GRACE = 1.0


class StreamCheck:
    """Measures the bitrate for some seconds."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._url = section.full_url("url", "http", "https")
        self._min_bitrate = section.bitrate("bitrate") or 1
        self._seconds = section.number("seconds", 4, minimum=1, maximum=60)
        self._pool = deadline_pool_manager()

    def __call__(self, timeout: float) -> CheckResult:
        """Return whether the bitrate is high enough."""
        try:
            with open_stream(self._pool, self._url, timeout=self._seconds) as response:
                if response.status != 200:
                    return sad(f"responds with status {response.status}")
                with open_check(self._url):
                    bitrate = self._measure_bitrate(response)
        except FetchError as error:
            return sad(str(error))
        if bitrate is None:
            return sad("the stream has ended")
        if bitrate < 1:
            return sad("transfers no data")
        text = f"{bitrate / 1000:,.0f} kbit/s"
        return hungry(f"only {text}") if bitrate < self._min_bitrate else happy(text)

    def _measure_bitrate(self, response: urllib3.BaseHTTPResponse) -> float | None:
        """Return the bitrate in bit/s; ``None`` if the stream has ended."""
        start = time.monotonic()
        size = 0
        while (elapsed := time.monotonic() - start) < BURST_GRACE + self._seconds:
            try:
                chunk = response.read1(CHUNK_BYTES)
            except urllib3.exceptions.ReadTimeoutError:
                break
            if not chunk:
                return None
            if elapsed >= BURST_GRACE:
                size += len(chunk)
        return size * 8 / self._seconds
