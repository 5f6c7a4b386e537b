"""Reads servers and commands with limits on time, size and nesting depth."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import urllib3

from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.net.bounded_http import ResponseTooLargeError, read_bounded
from streaming_system.net.request_deadline import (
    RequestDeadline,
    ResponseTimeoutError,
    deadline_pool_manager,
)
from streaming_system.plugin.stats_source import SourceError
from streaming_system.util.log_once import describe_error
from streaming_system.util.user_agents import USER_AGENT

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 50
CONNECT_TIMEOUT, TIMEOUT = 2.0, 5.0
MAX_PARALLEL = 32
# Counters are compared over at least this many seconds.
MIN_RATE_SECONDS = 0.2


class HttpProbe:
    """What a source reads its server with: see :class:`streaming_system.plugin.SourceProbe`.

    :param options: values of the source's options.
    :param mounts: the mounts that agent.ini names.
    """

    def __init__(self, *, options: Mapping[str, str], mounts: Sequence[str]) -> None:
        self.options, self.mounts = options, mounts
        # A source may make several requests in parallel, to several servers.
        self._pool = deadline_pool_manager(
            retries=False, num_pools=MAX_PARALLEL, maxsize=MAX_PARALLEL
        )
        self._totals: dict[str, tuple[float, float]] = {}
        self._used_totals: set[str] = set()

    def start_poll(self) -> None:
        """Start another poll: drop the counters that the last one did not use."""
        self._totals = {key: self._totals[key] for key in self._used_totals if key in self._totals}
        self._used_totals = set()

    def get(self, path: str = "", *, headers: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a path below the option ``url``, or of an absolute URL.

        :raises SourceError: if the status is not 200, or a limit is exceeded.
        """
        url = path if "://" in path else self.options.get("url", "") + path
        deadline = time.monotonic() + TIMEOUT
        try:
            with RequestDeadline(TIMEOUT):
                response = self._pool.request(
                    "GET",
                    url,
                    headers={"User-Agent": USER_AGENT, **(headers or self._credentials())},
                    redirect=False,
                    preload_content=False,
                    timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT, read=TIMEOUT),
                )
                try:
                    return _read_body(url, response, deadline)
                finally:
                    # The rest of a body that was not read must not reach the next request.
                    response.close()
        except ResponseTimeoutError as error:
            raise SourceError(f"{url}: {error}") from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise SourceError(f"{url}: cannot be read: {describe_error(error)}") from None

    def _credentials(self) -> Mapping[str, str]:
        password = self.options.get("password", "")
        if not password:
            return {}
        user = self.options.get("user", "")
        return dict(urllib3.make_headers(basic_auth=f"{user}:{password}" if user else password))

    def json(self, path: str = "") -> Any:
        """Return the JSON value of a path.

        :raises SourceError: if there is no valid JSON.
        """
        return parse_json(self.get(path))

    def xml(self, path: str = "") -> ElementTree.Element:
        """Return the root of the XML of a path.

        :raises SourceError: if there is no valid XML, or it has a DOCTYPE or is nested deeply.
        """
        return parse_xml(self.get(path))

    def rate(self, key: str, total: Any) -> float | None:
        """Return the growth of a byte counter in bit/s; ``None`` if it is not known yet."""
        try:
            number = float(total)
        except (TypeError, ValueError):
            return None
        now = time.monotonic()
        previous = self._totals.get(key)
        self._totals[key] = (now, number)
        self._used_totals.add(key)
        # A counter that falls belongs to a restarted server.
        if previous is None or not 0 <= previous[1] <= number:
            return None
        elapsed = now - previous[0]
        return None if elapsed < MIN_RATE_SECONDS else (number - previous[1]) * 8 / elapsed

    def run(self, command: Sequence[str]) -> bytes:
        """Return the standard output of a command.

        :raises SourceError: if it fails or exceeds a limit.
        """
        return run_command(command)


def _read_body(url: str, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    if response.status in (401, 403):
        raise SourceError(f"{url}: {response.status}: wrong user or password")
    if response.status != 200:
        raise SourceError(f"{url}: {response.status} {response.reason}")
    try:
        return read_bounded(response, max_bytes=MAX_BODY_BYTES, deadline=deadline)
    except ResponseTooLargeError as error:
        raise SourceError(f"{url}: {error}") from None


def parse_json(data: bytes) -> Any:
    """Return a JSON value.

    :raises SourceError: if it is invalid, has NaN or Infinity, or is nested too deeply.
    """

    def reject_constant(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        return json.loads(data, parse_constant=reject_constant)
    except RecursionError:
        raise SourceError("the response is JSON that is nested too deeply") from None
    except ValueError as error:
        raise SourceError(f"the response is no JSON ({str(error)[:80]})") from None


class _SafeTreeBuilder(ElementTree.TreeBuilder):
    """Builds a tree of bounded depth; rejects a DOCTYPE, and with it all entity definitions."""

    depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SourceError("the response is XML that is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Any:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, *args: Any) -> None:
        raise SourceError("the response is XML with a DOCTYPE, or HTML")


def parse_xml(data: bytes) -> ElementTree.Element:
    """Return the root of an XML document.

    :raises SourceError: if it is invalid, has a DOCTYPE, or is nested too deeply.
    """
    parser = ElementTree.XMLParser(target=_SafeTreeBuilder())  # noqa: S314 - No entities without a DOCTYPE.
    try:
        parser.feed(data)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise SourceError(f"the response is no XML ({error})") from None
    except (LookupError, ValueError) as error:
        raise SourceError(
            f"the response is XML in an unsupported encoding ({error!s:.80})"
        ) from None
    return root


def run_command(command: Sequence[str]) -> bytes:
    """Return the standard output of a command.

    :raises SourceError: if it fails or exceeds a limit.
    """
    try:
        completed = ProcessRunner().run(command, TIMEOUT, max_stdout=MAX_BODY_BYTES)
    except ProgramError as error:
        raise SourceError(str(error)) from None
    if completed.status:
        raise SourceError(f"{command[0]}: exit status {completed.status}")
    return completed.stdout
