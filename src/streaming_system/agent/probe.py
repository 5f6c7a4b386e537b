"""Asks servers, and trusts none of them: answers are bounded in time, size and depth."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

import urllib3

from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.agent.tracker_http import (
    USER_AGENT,
    TrackerBodyTimeoutError,
    TrackerBodyTooLargeError,
    read_bounded,
)
from streaming_system.plugin.stats_source import SourceError
from streaming_system.util.log_once import describe_error

MAX_BODY_BYTES = 2 * 1024 * 1024
MAX_DEPTH = 50
TIMEOUT = 5.0
MAX_PARALLEL = 32


class HttpProbe:
    """What a source asks its server with.

    :param options: the values of the source's options.
    :param mounts: the mounts that agent.ini names.
    """

    def __init__(self, *, options: Mapping[str, str], mounts: Sequence[str]) -> None:
        self.options, self.mounts = options, mounts
        # A source may ask for several things at the same time, of several servers.
        self._pool = urllib3.PoolManager(
            retries=False, num_pools=MAX_PARALLEL, maxsize=MAX_PARALLEL
        )
        self._totals: dict[str, tuple[float, float]] = {}
        self._seen: set[str] = set()

    def begin(self) -> None:
        """Begin another reading: what was not asked for in the last one is forgotten."""
        self._totals = {key: self._totals[key] for key in self._seen if key in self._totals}
        self._seen = set()

    def get(self, path: str = "", *, headers: Mapping[str, str] | None = None) -> bytes:
        """Return what lies at a path below the option ``url``, or at a whole address.

        :raises SourceError: unless the answer is a 200 of a sane size in a sane time.
        """
        url = path if "://" in path else self.options.get("url", "") + path
        sent = {"User-Agent": USER_AGENT, **(headers or self._login())}
        end = time.monotonic() + TIMEOUT
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers=sent,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=2, read=TIMEOUT),
            )
            try:
                return _read_body(url, answer, end)
            finally:
                # What is left of a bad answer must not meet the next question.
                answer.close()
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise SourceError(f"{url}: cannot be read: {describe_error(error)}") from None

    def _login(self) -> Mapping[str, str]:
        password = self.options.get("password", "")
        if not password:
            return {}
        user = self.options.get("user", "")
        return dict(urllib3.make_headers(basic_auth=f"{user}:{password}" if user else password))

    def json(self, path: str = "") -> Any:
        """Return the JSON at a path.

        :raises SourceError: if there is none.
        """
        return parse_json(self.get(path))

    def xml(self, path: str = "") -> ElementTree.Element:
        """Return the root of the XML at a path; one with a DOCTYPE, or very deep, is none.

        :raises SourceError: if there is none.
        """
        return parse_xml(self.get(path))

    def rate(self, key: str, total: Any) -> float | None:
        """Return how fast a total of bytes grows, in bit/s; ``None`` if that is not known yet."""
        try:
            number = float(total)
        except (TypeError, ValueError):
            return None
        now = time.monotonic()
        before = self._totals.get(key)
        self._totals[key] = (now, number)
        self._seen.add(key)
        # A total that has fallen is that of a server which has been started anew.
        if before is None or not 0 <= before[1] <= number or now - before[0] < 0.2:
            return None
        return (number - before[1]) * 8 / (now - before[0])

    def run(self, command: Sequence[str]) -> bytes:
        """Return what a command prints.

        :raises SourceError: unless it ends well, with a sane amount of words, in a sane time.
        """
        return run_command(command)


def _read_body(url: str, answer: urllib3.BaseHTTPResponse, end: float) -> bytes:
    if answer.status in (401, 403):
        raise SourceError(f"{url}: {answer.status}: user or password are not taken")
    if answer.status != 200:
        raise SourceError(f"{url}: {answer.status} {answer.reason}")
    try:
        return read_bounded(answer, end, MAX_BODY_BYTES)
    except (TrackerBodyTooLargeError, TrackerBodyTimeoutError) as error:
        raise SourceError(f"{url}: {error}") from None


def parse_json(data: bytes) -> Any:
    """Return a JSON value.

    :raises SourceError: if it is none; NaN and Infinity are none.
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        return json.loads(data, parse_constant=refuse)
    except RecursionError:
        raise SourceError("the answer is JSON that is nested too deeply") from None
    except ValueError as error:
        raise SourceError(f"the answer is no JSON ({str(error)[:80]})") from None


class _SafeTreeBuilder(ElementTree.TreeBuilder):
    """Builds a tree that is not deep, of a document that defines nothing."""

    depth = 0

    def start(self, tag: Any, attrs: Any, /) -> Any:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise SourceError("the answer is XML that is nested too deeply")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Any:
        self.depth -= 1
        return super().end(tag)

    def doctype(self, *about: Any) -> None:
        raise SourceError("the answer is XML with a DOCTYPE, or HTML")


def parse_xml(data: bytes) -> ElementTree.Element:
    """Return the root of an XML document.

    :raises SourceError: if it is none, has a DOCTYPE, or is nested deeply.
    """
    # Without a DOCTYPE there are no entities, which is what is dangerous.
    parser = ElementTree.XMLParser(target=_SafeTreeBuilder())  # noqa: S314 - See above.
    try:
        parser.feed(data)
        root: ElementTree.Element = parser.close()
    except ElementTree.ParseError as error:
        raise SourceError(f"the answer is no XML ({error})") from None
    except (LookupError, ValueError) as error:
        raise SourceError(f"the answer is XML of a kind that is not read ({error!s:.80})") from None
    return root


def run_command(command: Sequence[str]) -> bytes:
    """Return what a command prints.

    :raises SourceError: unless it ends well, with a sane amount of words, in a sane time.
    """
    try:
        ended = ProcessRunner().run(command, TIMEOUT, most=MAX_BODY_BYTES)
    except ProgramError as error:
        raise SourceError(str(error)) from None
    if ended.status:
        raise SourceError(f"{command[0]}: ended with {ended.status}")
    return ended.printed
