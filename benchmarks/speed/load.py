"""Runs wrk: generates its requests, and parses its output."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 8
# The headers of a browser; each row sets Accept-Encoding.
BROWSER_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}
# In a body, the number of the turn: a player's totals grow from turn to turn.
TURN_PLACEHOLDER = "{turn}"
LUA_SCRIPT = """
local calls = {{
{calls}
}}
local count, first = 0, {first}
request = function()
    local call = calls[count % #calls + 1]
    local turn = first + math.floor(count / #calls)
    count = count + 1
    local body = call.body
    if call.turns then body = body:gsub("{turn}", turn) end
    return wrk.format(call.method, call.path, call.headers, body)
end
"""


class LoadError(Exception):
    """Requests of wrk failed, so its rate is invalid."""


@dataclass(frozen=True, kw_only=True)
class HttpCall:
    """A request that wrk sends."""

    path: str
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def lua(self) -> str:
        """Return the request as a Lua table."""
        # JSON strings without \u escapes are valid Lua strings.
        headers = ", ".join(f"[{lua_string(k)}] = {lua_string(v)}" for k, v in self.headers.items())
        body = f", body = {lua_string(self.body)}" if self.body else ""
        turns = ", turns = true" if TURN_PLACEHOLDER in self.body else ""
        return (
            f"    {{method = {lua_string(self.method)}, path = {lua_string(self.path)},"
            f" headers = {{{headers}}}{body}{turns}}},"
        )


def lua_string(text: str) -> str:
    """Return a Lua string literal."""
    literal = json.dumps(text)
    if "\\u" in literal:
        raise ValueError(f"Lua 5.1 has no literal for {text!r}")
    return literal


def build_script(calls: Sequence[HttpCall], first: int = 1) -> str:
    """Return a wrk script that sends the requests in turn, endlessly."""
    return LUA_SCRIPT.format(
        calls="\n".join(call.lua() for call in calls), first=first, turn=TURN_PLACEHOLDER
    )


@dataclass(frozen=True, kw_only=True)
class LoadResult:
    """The parsed output of wrk. ``rate`` is in responses a second."""

    responses: int
    rate: float
    error_statuses: int = 0
    socket_errors: int = 0


def parse_wrk_output(text: str) -> LoadResult:
    """Parse the output of wrk.

    :raises LoadError: the output is invalid.
    """
    responses = re.search(r"^ *(\d+) requests in ", text, re.MULTILINE)
    rate = re.search(r"^Requests/sec: +([\d.]+)", text, re.MULTILINE)
    if not responses or not rate:
        raise LoadError(f"invalid output of wrk: {text.strip() or 'nothing'}")
    error_statuses = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    socket_errors = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    return LoadResult(
        responses=int(responses[1]),
        rate=float(rate[1]),
        error_statuses=int(error_statuses[1]) if error_statuses else 0,
        socket_errors=sum(map(int, socket_errors.groups())) if socket_errors else 0,
    )


def run_wrk(
    port: int,
    calls: HttpCall | Sequence[HttpCall],
    folder: Path,
    *,
    headers: Mapping[str, str],
    seconds: float,
    first: int = 1,
) -> LoadResult:
    """Send requests for some seconds over persistent connections.

    :raises LoadError: a request failed.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    path = calls.path if isinstance(calls, HttpCall) else "/"
    if not isinstance(calls, HttpCall):
        file = folder / "calls.lua"
        file.write_text(build_script(calls, first), encoding="utf-8")
        command += ["-s", str(file)]
    process = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=False
    )
    result = parse_wrk_output(process.stdout + process.stderr)
    if result.error_statuses or result.socket_errors or not result.responses:
        raise LoadError(
            f"{path if isinstance(calls, HttpCall) else calls[0].path}: "
            f"{result.responses} responses, {result.error_statuses} of them neither 2xx nor 3xx, "
            f"{result.socket_errors} socket errors"
        )
    return result


def is_wrk_installed() -> bool:
    return shutil.which("wrk") is not None
