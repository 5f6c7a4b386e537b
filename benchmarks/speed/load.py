"""Load from wrk: which requests it sends, and what it says about the answers."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CONNECTIONS = 8
# What a browser says of itself; how it takes compression is up to the row.
BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "de",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
}
# Each call may say which turn it is in: totals of a player grow from turn to turn.
TURN = "{turn}"
LUA = """
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
    """What wrk sent was not answered as it must be, so that its figure means nothing."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request."""

    path: str
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def lua(self) -> str:
        """Return it as a table of Lua."""
        # Strings of JSON without escapes beyond ASCII are strings of Lua.
        headers = ", ".join(f"[{quoted(k)}] = {quoted(v)}" for k, v in self.headers.items())
        body = f", body = {quoted(self.body)}" if self.body else ""
        turns = ", turns = true" if TURN in self.body else ""
        return (
            f"    {{method = {quoted(self.method)}, path = {quoted(self.path)},"
            f" headers = {{{headers}}}{body}{turns}}},"
        )


def quoted(text: str) -> str:
    """Return a text as Lua writes it."""
    found = json.dumps(text)
    if "\\u" in found:
        raise ValueError(f"Lua 5.1 does not know how to write {text!r}")
    return found


def script(calls: Sequence[Call], first: int = 1) -> str:
    """Return what tells wrk to send some requests in turn, for ever."""
    return LUA.format(calls="\n".join(call.lua() for call in calls), first=first, turn=TURN)


@dataclass(frozen=True, kw_only=True)
class Load:
    """What wrk has said: how many answers came, and how fast."""

    answers: int
    rate: float
    refused: int = 0
    broken: int = 0


def read_load(text: str) -> Load:
    """Read what wrk prints.

    :raises LoadError: if it is not what wrk prints.
    """
    answers = re.search(r"^ *(\d+) requests in ", text, re.MULTILINE)
    rate = re.search(r"^Requests/sec: +([\d.]+)", text, re.MULTILINE)
    if not answers or not rate:
        raise LoadError(f"wrk says: {text.strip() or 'nothing'}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", text
    )
    return Load(
        answers=int(answers[1]),
        rate=float(rate[1]),
        refused=int(refused[1]) if refused else 0,
        broken=sum(map(int, broken.groups())) if broken else 0,
    )


def wrk(
    port: int,
    calls: Call | Sequence[Call],
    folder: Path,
    *,
    headers: Mapping[str, str],
    seconds: float,
    first: int = 1,
) -> Load:
    """Send requests for some seconds over connections that are kept.

    :raises LoadError: if one of them was refused or was not answered.
    """
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    path = calls.path if isinstance(calls, Call) else "/"
    if not isinstance(calls, Call):
        file = folder / "calls.lua"
        file.write_text(script(calls, first), encoding="utf-8")
        command += ["-s", str(file)]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=False
    )
    found = read_load(done.stdout + done.stderr)
    if found.refused or found.broken or not found.answers:
        raise LoadError(
            f"{path if isinstance(calls, Call) else calls[0].path}: {found.answers} answers, "
            f"{found.refused} of them neither 2xx nor 3xx, {found.broken} errors of connections"
        )
    return found


def is_there() -> bool:
    """Return whether wrk is installed."""
    return shutil.which("wrk") is not None
