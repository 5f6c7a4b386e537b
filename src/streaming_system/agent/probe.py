"""Reads servers and commands with limits on time, size and nesting depth."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import urllib3

from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.net.bounded_http import ResponseTooLargeError, read_bounded
from streaming_system.net.http_errors import describe_http_error
from streaming_system.net.request_deadline import (
    RequestDeadline,
    ResponseTimeoutError,
    deadline_pool_manager,
)
from streaming_system.plugin.stats_source import InvalidResponseError, SourceError
from streaming_system.util.foreign_json import (
    DocumentError,
    describe_foreign_content,
    parse_foreign_json,
    parse_number,
)
from streaming_system.util.json_object import FieldProblems, JsonObject
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
        self.problems = FieldProblems()

    def start_poll(self) -> None:
        """Start another poll: drop the counters that the last one did not use, and problems."""
        self.problems = FieldProblems()
        self._totals = {key: self._totals[key] for key in self._used_totals if key in self._totals}
        self._used_totals = set()

    def get(self, path: str = "", *, headers: Mapping[str, str] | None = None) -> bytes:
        """Return the body of a path below the option ``url``, or of an absolute URL.

        :raises SourceError: if the status is not 200, or a limit is exceeded.
        """
        url = self._url(path)
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
            raise SourceError(f"{url}: {describe_http_error(error)}") from None

    def _url(self, path: str) -> str:
        return path if "://" in path else self.options.get("url", "") + path

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
        with _response_of(self._url(path)):
            return parse_json(self.get(path))

    def json_object(self, path: str = "") -> JsonObject:
        """Return the JSON object of a path.

        :raises SourceError: if there is no valid JSON.
        """
        return JsonObject(self.json(path), "", self.problems)

    def xml(self, path: str = "") -> ElementTree.Element:
        """Return the root of the XML of a path.

        :raises SourceError: if there is no valid XML, or it has a DOCTYPE or is nested deeply.
        """
        with _response_of(self._url(path)):
            return parse_xml(self.get(path))

    def rate(self, key: str, total: Any) -> float | None:
        """Return the growth of a byte counter in bit/s; ``None`` if it is not known yet."""
        number = parse_number(total)
        if number is None:
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


@contextmanager
def _response_of(url: str) -> Iterator[None]:
    """Name the URL in errors about its content."""
    try:
        yield
    except InvalidResponseError as error:
        line = str(error)
        raise InvalidResponseError(line if line.startswith(url) else f"{url}: {line}") from None


def _read_body(url: str, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    if response.status in (401, 403):
        raise SourceError(f"{url}: {response.status}: wrong user or password")
    if response.status != 200:
        raise InvalidResponseError(f"{url}: {response.status} {response.reason}")
    try:
        return read_bounded(response, max_bytes=MAX_BODY_BYTES, deadline=deadline)
    except ResponseTooLargeError as error:
        raise InvalidResponseError(f"{url}: {error}") from None


def parse_json(data: bytes) -> Any:
    """Return a JSON value.

    :raises InvalidResponseError: if it is invalid, or nested too deeply.
    """
    try:
        return parse_foreign_json(data)
    except DocumentError as error:
        raise InvalidResponseError(f"the response {error}") from None


class _SafeTreeBuilder(ElementTree.TreeBuilder):
    """Builds a tree of bounded depth; rejects a DOCTYPE, and with it all entity definitions."""

    depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InvalidResponseError("the response is XML that is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Any:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, *args: Any) -> None:
        raise InvalidResponseError("the response is XML with a DOCTYPE, or HTML")


# Characters that XML does not allow, and ampersands that begin no reference.
_INVALID_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_BARE_AMPERSAND = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_OTHER_ENCODING = re.compile(rb"\s*<\?xml[^>]*encoding=[\"'](?!utf-8|us-ascii)", re.I)


def parse_xml(data: bytes) -> ElementTree.Element:
    """Return the root of an XML document.

    Invalid bytes, control characters and bare ampersands within texts are allowed: servers pass
    them on from encoders.

    :raises InvalidResponseError: if it is invalid, has a DOCTYPE, or is nested too deeply.
    """
    try:
        return _parse_strict_xml(data)
    except ElementTree.ParseError as error:
        if _OTHER_ENCODING.match(data):
            raise InvalidResponseError(_describe_xml_error(data, error)) from None
    except (LookupError, ValueError):
        raise InvalidResponseError("the response is XML in an unsupported encoding") from None
    text = _INVALID_CHARACTERS.sub("\ufffd", data.decode("utf-8-sig", "replace"))
    try:
        return _parse_strict_xml(_BARE_AMPERSAND.sub("&amp;", text))
    except ElementTree.ParseError as error:
        raise InvalidResponseError(_describe_xml_error(data, error)) from None


def _parse_strict_xml(document: bytes | str) -> ElementTree.Element:
    parser = ElementTree.XMLParser(target=_SafeTreeBuilder())  # noqa: S314 - No entities without a DOCTYPE.
    parser.feed(document)
    root: ElementTree.Element = parser.close()
    return root


def _describe_xml_error(data: bytes, error: ElementTree.ParseError) -> str:
    content = describe_foreign_content(data)
    if content != ", but XML":
        return f"the response is no XML{content}"
    line, column = error.position
    lines = data.rstrip().count(b"\n") + 1
    if line >= lines:
        return "the response is no XML: it is cut off"
    return f"the response is no XML: it is invalid at line {line}, column {column + 1}"


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
