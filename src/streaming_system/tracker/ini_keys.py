"""The keys of ``[app:tracker]``."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from streaming_system.config.ini_keys import COMMON_KEYS, TRACKER_KEYS
from streaming_system.net.push_services import DEFAULT_SERVICES, HOSTS, parse_push_services
from streaming_system.tracker.bound_keys import BOUND_KEYS
from streaming_system.tracker.ingest_address import IngestAddress, parse_ingest_address
from streaming_system.util.ini_key import IniKey
from streaming_system.util.validation import Flag, Integer, Number, ParsedText

DEFAULT_ENDPOINT_URL = "http://{host}:8080/"


def _parse_path(text: str) -> Path | None:
    return Path(text) if text else None


def _parse_url_template(text: str) -> str:
    if not text.startswith(("http://", "https://")) or text.count("{host}") != 1:
        raise ValueError(text)
    return text


def _parse_site_url(text: str) -> str:
    if not text.startswith(("/", "http://", "https://")):
        raise ValueError(text)
    return text


def _parse_origins(text: str) -> frozenset[str] | None:
    """Return the origins; ``None`` for all."""
    if text.strip() == "*":
        return None
    origins = frozenset(text.lower().split())
    for origin in origins:
        parts = urlsplit(origin)
        # Browsers send origins without a path, also without a slash.
        if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
            raise ValueError(text)
        if not parts.hostname:
            raise ValueError(text)
    return origins


def _ingest_address(program: str, example: str, *schemes: str) -> IniKey:
    """Return the key of the addresses for one protocol; {room} stands for the room's id."""

    def parse(text: str) -> IngestAddress:
        return parse_ingest_address(text, schemes)

    return IniKey(
        f"The address that the crew's page shows for {program}, with `{{room}}` for the room's id; "
        "lines of `ROOM = ADDRESS` for single rooms",
        field=ParsedText(parse, f"an address such as {example}, or lines of ROOM = URL"),
        see="how-to/publishing.md",
    )


_FLAG = Flag()
_REPORT_SECONDS = Integer(1, 600, allowed="seconds, 1 to 600")
_DAYS = Number(1, 10_000, allowed="days, 1 or more")

SETTINGS: Mapping[str, IniKey] = {
    "endpoint.url": IniKey(
        "The URL of an endpoint that reports none, with `{host}` for its IP address",
        DEFAULT_ENDPOINT_URL,
        ParsedText(
            _parse_url_template, f"an address with {{host}} in it, such as {DEFAULT_ENDPOINT_URL}"
        ),
    ),
    "endpoint.remote_addr_field": IniKey(
        "Whether the form field `REMOTE_ADDR` of a registration is trusted, for development",
        "false",
        _FLAG,
    ),
    "region.header": IniKey(
        "The header in which a CDN sends a viewer's country, for the `regions` of the "
        "configuration. Set it only if that CDN sets the header on each request: "
        "clients could forge it",
        field=ParsedText(str.strip, "the name of a header"),
    ),
    "region.file": IniKey(
        "The MaxMind DB file of countries or cities, for the `regions` of the configuration",
        field=ParsedText(_parse_path, "the path of a MaxMind file"),
    ),
    "allowed_origins": IniKey(
        "The sites whose pages may use the tracker from a browser, besides its own, separated by "
        "blanks; `*` is all sites. Set the pages' origin if the tracker has another host name",
        "*",
        ParsedText(_parse_origins, "* or addresses such as https://live.example.org"),
        "how-to/several-hosts.md",
    ),
    "frontend.url": IniKey(
        "Where browsers find the pages, for links to them; an absolute URL if the pages have a "
        "machine of their own",
        "/",
        ParsedText(_parse_site_url, "/ or an address, as https://host/"),
    ),
    "secret.accepted": IniKey(
        "Whether programs of the old protocol may use the shared secret; with false, each of their "
        "requests gets `ERROR SECRET`",
        "true",
        _FLAG,
    ),
    "session.secure": IniKey(
        "Whether browsers send the crew's session cookie over HTTPS only; false in development",
        "true",
        _FLAG,
    ),
    "second_factor.required": IniKey(
        "Whether every account of the crew needs a second factor",
        "false",
        _FLAG,
        "how-to/crew-accounts.md#second-factor",
    ),
    "logdir": IniKey(
        "The folder of the endpoints' access logs; without it, they are refused",
        field=ParsedText(_parse_path, "the path of a folder"),
        see="how-to/access-logs.md",
    ),
    "logdir.size": IniKey(
        "The size in bytes at which a log file is rotated",
        "67108864",
        Integer(1024, 2**40, allowed="1024 or more bytes"),
    ),
    "logdir.files": IniKey(
        "The number of rotated log files per endpoint", "10", Integer(1, 10_000)
    ),
    "privacy.days": IniKey(
        "For how many days lines of access logs are stored with the addresses and user agents of "
        "viewers; 0: they are never stored",
        "0",
        Integer(0, 365, allowed="a whole number of days, 0 to 365"),
        "how-to/privacy.md",
    ),
    "retention.samples_hours": IniKey(
        "The retention of single reports in hours",
        "3",
        Number(1, 10_000, allowed="hours, 1 or more"),
        "how-to/running.md#data-that-grows",
    ),
    "retention.minutes_days": IniKey("The retention of rollups per minute in days", "8", _DAYS),
    "retention.ten_minutes_days": IniKey(
        "The retention of rollups per ten minutes in days", "400", _DAYS
    ),
    "retention.captions_days": IniKey(
        "The retention of captions in days", "30", _DAYS, "how-to/captions.md"
    ),
    "ingest.open": IniKey(
        "Whether a room that has never had a stream key accepts every encoder",
        "false",
        _FLAG,
        "how-to/publishing.md#stream-keys",
    ),
    "ingest.rtmp": _ingest_address(
        "RTMP encoders", "rtmp://ingest.example.org/live", "rtmp", "rtmps"
    ),
    "ingest.whip": _ingest_address(
        "WHIP encoders", "https://ingest.example.org/{room}/whip", "https", "http"
    ),
    "ingest.icecast": _ingest_address(
        "Icecast encoders", "icecast://ingest.example.org:8000/{room}.webm", "icecast"
    ),
    "ingest.target_rate": IniKey(
        "The target number of playback reports a second of all players together",
        "20",
        Number(0.1, 1e6, allowed="reports a second, 0.1 or more"),
        "reference/playback.md",
    ),
    "ingest.min_interval": IniKey(
        "The minimum number of seconds between two reports of a player", "5", _REPORT_SECONDS
    ),
    "ingest.max_interval": IniKey(
        "The maximum number of seconds between two reports of a player", "60", _REPORT_SECONDS
    ),
    "ingest.max_batch": IniKey(
        "The maximum number of concurrent reports in one transaction",
        "64",
        Integer(1, 1000, allowed="reports, 1 to 1000"),
    ),
    "reminders.contact": COMMON_KEYS["reminders.contact"],
    "reminders.minutes": IniKey(
        "How many minutes before a talk its reminder is sent",
        "5",
        Integer(0, 120, allowed="minutes, 0 to 120"),
        "how-to/reminders.md#turning-them-on",
    ),
    "reminders.services": IniKey(
        "The hosts of push services that reminders may use",
        DEFAULT_SERVICES,
        ParsedText(parse_push_services, HOSTS),
        "how-to/reminders.md#turning-them-on",
    ),
    "response_cache.enabled": COMMON_KEYS["response_cache.enabled"],
    **BOUND_KEYS,
}


def ini_keys() -> dict[str, IniKey]:
    """Return the keys of the tracker's section."""
    return {**TRACKER_KEYS, **SETTINGS}
