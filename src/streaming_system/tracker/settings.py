"""The keys of ``[app:tracker]``, turned into values once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import limits
from pyramid.settings import asbool

from streaming_system import config

DEFAULT_ENDPOINT_URL = "http://{host}:8080/"


class StartupError(Exception):
    """The tracker cannot start, with one line that says what, where and what to do."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A key of the ini: what it is if the ini does not say, and how its text is read.

    :param read: takes the text and returns the value, or raises ``ValueError``.
    :param allowed: what may stand there, for people.
    """

    default: str
    read: Callable[[str], Any]
    allowed: str


def _number_parser(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        number = float(text)
        # Nothing compares as true with NaN.
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return read


def _integer_parser(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise ValueError(text)
        return int(text)

    return read


def _parse_path(text: str) -> Path | None:
    return Path(text) if text else None


def _parse_rate(text: str) -> limits.RateLimitItem | None:
    return None if text == "off" else limits.parse(text)


def _parse_url_template(text: str) -> str:
    if not text.startswith(("http://", "https://")) or text.count("{host}") != 1:
        raise ValueError(text)
    return text


def _parse_site_url(text: str) -> str:
    if not text.startswith(("/", "http://", "https://")):
        raise ValueError(text)
    return text


def _parse_origins(text: str) -> frozenset[str] | None:
    """Return origins; ``None`` for those of everybody."""
    if text.strip() == "*":
        return None
    origins = frozenset(text.lower().split())
    for origin in origins:
        parts = urlsplit(origin)
        # What browsers say has no path, not even a slash.
        if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError(text)
        if not parts.hostname:
            raise ValueError(text)
    return origins


def _parse_flag(text: str) -> bool:
    return bool(asbool(text))


_FLAG_HINT = "true or false"
_RATE_HINT = "a rate such as 600/minute, or off"

SETTINGS: Mapping[str, Setting] = {
    # The address of a stream server that names no URL of its own.
    "endpoint.url": Setting(
        default=DEFAULT_ENDPOINT_URL,
        read=_parse_url_template,
        allowed=f"an address with {{host}} in it, such as {DEFAULT_ENDPOINT_URL}",
    ),
    # Believe the form field REMOTE_ADDR of a registration.
    "endpoint.remote_addr_field": Setting(default="false", read=_parse_flag, allowed=_FLAG_HINT),
    # Whether clients of the old protocol may use the shared secret.
    "secret.accepted": Setting(default="true", read=_parse_flag, allowed=_FLAG_HINT),
    # Where access logs of endpoints are kept; none are while it is empty.
    "logdir": Setting(default="", read=_parse_path, allowed="the path of a folder"),
    # A log file is closed at this size in bytes, and so many closed ones are kept.
    "logdir.size": Setting(
        default="67108864", read=_integer_parser(1024, 2**40), allowed="1024 or more bytes"
    ),
    "logdir.files": Setting(
        default="10", read=_integer_parser(1, 10_000), allowed="a whole number, 1 to 10000"
    ),
    # For how many days addresses and user agents of viewers may stay in log files; 0: never stored.
    "privacy.days": Setting(
        default="0", read=_integer_parser(0, 365), allowed="a whole number of days, 0 to 365"
    ),
    # How many playback reports a second players shall send together, and how long one waits.
    "report.rate": Setting(
        default="20", read=_number_parser(0.1, 1e6), allowed="reports a second, 0.1 or more"
    ),
    "report.shortest": Setting(
        default="5", read=_integer_parser(1, 600), allowed="seconds, 1 to 600"
    ),
    "report.longest": Setting(
        default="60", read=_integer_parser(1, 600), allowed="seconds, 1 to 600"
    ),
    # How many reports that come at once share a transaction.
    "report.together": Setting(
        default="64", read=_integer_parser(1, 1000), allowed="reports, 1 to 1000"
    ),
    # How long what was reported is kept: single reports, minutes, and ten minutes.
    "keep.raw": Setting(default="3", read=_number_parser(1, 10_000), allowed="hours, 1 or more"),
    "keep.minutes": Setting(default="8", read=_number_parser(1, 10_000), allowed="days, 1 or more"),
    "keep.tens": Setting(default="400", read=_number_parser(1, 10_000), allowed="days, 1 or more"),
    # What one address, and one token, may ask for. The venue of an event, or a provider's whole
    # town, may be one address: there, thousands of players ask every five seconds.
    "limit.reports": Setting(default="12000/minute", read=_parse_rate, allowed=_RATE_HINT),
    "limit.writes": Setting(default="1200/minute", read=_parse_rate, allowed=_RATE_HINT),
    "limit.reads": Setting(default="120000/minute", read=_parse_rate, allowed=_RATE_HINT),
    # Figures over time cost the database a thousand times what a list does.
    "limit.graphs": Setting(default="300/minute", read=_parse_rate, allowed=_RATE_HINT),
    "limit.logins": Setting(default="20/minute", read=_parse_rate, allowed=_RATE_HINT),
    # When the crew is alarmed: the share of time that players wait, and from how many players on.
    "alert.rebuffering": Setting(
        default="0.05", read=_number_parser(0, 1), allowed="a share, 0 to 1"
    ),
    "alert.players": Setting(
        default="10", read=_integer_parser(1, 10**6), allowed="a whole number from 1"
    ),
    # How we learn where a viewer is: a header that a CDN sets, a MaxMind file of countries.
    "region.header": Setting(default="", read=str.strip, allowed="the name of a header"),
    "region.file": Setting(default="", read=_parse_path, allowed="the path of a MaxMind file"),
    # Where browsers find the pages, for links from ours to theirs.
    "frontend.url": Setting(
        default="/", read=_parse_site_url, allowed="/ or an address, as https://host/"
    ),
    # Whose pages may ask us from a browser, besides our own site's.
    "allowed_origins": Setting(
        default="*", read=_parse_origins, allowed="* or addresses such as https://live.example.org"
    ),
    # Whether the crew's session cookie goes over https only.
    "session.secure": Setting(default="true", read=_parse_flag, allowed=_FLAG_HINT),
}


def load_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the app: :data:`SETTINGS` as values, and ``conference``.

    ``conference`` is the :class:`rooms.Config` that the JSON files hold. Keys of others stay as
    they are.

    :raises StartError: with one line for whoever must mend it.
    """
    try:
        conference = config.load_conference_from_settings(settings)
    except config.ConfigError as error:
        raise StartupError(str(error)) from None
    _require_secret(conference.site.secret, asbool(settings.get("secret.allow_example")))
    own = {name: _load_setting(name, key, settings) for name, key in SETTINGS.items()}
    return {**settings, "conference": conference, **own}


def require_production_safety(settings: Mapping[str, Any]) -> None:
    """Refuse what is for trials, and not for an event.

    :raises StartError: with one line for whoever must mend it.
    """
    _require_secret(config.load_conference_from_settings(settings).site.secret, allow_example=False)
    if str(settings.get("sqlalchemy.url", "")).startswith("sqlite"):
        raise StartupError(
            "sqlalchemy.url in the ini file is an SQLite database, which is for trials; allowed in "
            "production: postgresql+psycopg://user:password@host/name"
        )


def _load_setting(name: str, key: Setting, settings: Mapping[str, Any]) -> Any:
    text = str(settings.get(name, key.default)).strip()
    try:
        return key.read(text)
    except ValueError:
        raise StartupError(f"{name} in the ini file is {text!r}; allowed: {key.allowed}") from None


def _require_secret(secret: str, allow_example: bool) -> None:
    if not secret:
        raise StartupError("config.private.json: section 'config': key 'secret': set one")
    if secret == config.EXAMPLE_SECRET and not allow_example:
        raise StartupError(
            "config.private.json: section 'config': key 'secret': is the example's, which "
            "everybody knows; allowed: any text of your own "
            "(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')"
        )
