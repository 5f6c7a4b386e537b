"""The keys of a server section: those of waitress, and our own."""

import warnings
from collections.abc import Mapping
from typing import Any

from waitress.adjustments import Adjustments

from streaming_system.util.ini_key import IniKey
from streaming_system.util.suggestions import did_you_mean
from streaming_system.util.validation import (
    Field,
    Flag,
    Integer,
    InvalidValueError,
    Number,
    describe_invalid,
)

_SECONDS = Number(0, 3600, allowed="seconds, 0 to 3600")
OWN_KEYS: Mapping[str, IniKey] = {
    "queue_timeout": IniKey(
        "How many seconds a request may wait for a thread; then it gets 503 with `Retry-After`. "
        "Set it a second below nginx's `proxy_read_timeout`: 3 for pages and 9 for the tracker in "
        "`production.ini`. A request whose client has hung up is dropped. Metrics and the log "
        "count both",
        "30",
        _SECONDS,
    ),
    "drain_seconds": IniKey(
        "How many seconds a worker that ends has for its requests",
        "30",
        _SECONDS,
        "how-to/deploying.md#why-no-request-is-dropped",
    ),
    "drain_idle": IniKey(
        "After how many idle seconds a worker that ends closes a connection",
        "3",
        _SECONDS,
        "how-to/deploying.md#why-no-request-is-dropped",
    ),
}
# Without a thread, or a connection, the server responds to no request.
_MIN_NUMBERS = {"threads": 1, "connection_limit": 1, "backlog": 1, "trusted_proxy_count": 1}
_MAX_NUMBER = 2**31 - 1
_PASTE_KEYS = frozenset({"use"})


def check_server_settings(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with the keys of a server, by key; "" is the key of the whole section.

    :param settings: may lack keys, but has none that is not a text.
    """
    problems = {}
    casts: Mapping[str, Any] = Adjustments._param_map
    for key, text in settings.items():
        field = OWN_KEYS[key].field if key in OWN_KEYS else _field_of(key, casts.get(key))
        if field is not None:
            try:
                field.parse(text.strip())
            except InvalidValueError as error:
                problems[key] = describe_invalid(text, error.allowed)
        elif key == "listen":
            invalid = [word for word in text.split() if not _is_socket_address(word)]
            if invalid:
                problems[key] = describe_invalid(invalid[0], "HOST:PORT, such as 127.0.0.1:8000")
        elif key not in casts and key not in _PASTE_KEYS:
            hint = did_you_mean(key, [*casts, *OWN_KEYS])
            problems[key] = (
                f"is no key of a server; {hint}docs/reference/ini-keys.md lists the keys"
            )
    return problems or _check_together(settings)


def _check_together(settings: Mapping[str, str]) -> dict[str, str]:
    own = {key: text for key, text in settings.items() if key not in {*OWN_KEYS, *_PASTE_KEYS}}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Adjustments(**own)
    except ValueError as error:
        return {"": str(error).splitlines()[0]}
    return {}


def _field_of(key: str, cast: Any) -> Field | None:
    if cast is int:
        return (
            Integer(0, 65535) if key == "port" else Integer(_MIN_NUMBERS.get(key, 0), _MAX_NUMBER)
        )
    # Its own function accepts any text.
    return Flag() if getattr(cast, "__name__", "") == "asbool" else None


def _is_socket_address(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        return bool(text)
    return bool(host) and port.isascii() and port.isdigit() and int(port) <= 65535
