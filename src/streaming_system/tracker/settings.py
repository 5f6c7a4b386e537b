"""The keys of ``[app:tracker]``: their defaults and fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import limits
from pyramid.settings import asbool

from streaming_system import config
from streaming_system.config.findings import errors_of
from streaming_system.config.ini_file import TRACKER_KEYS, require_valid_ini
from streaming_system.net.push_services import DEFAULT_SERVICES, HOSTS, Contact, parse_push_services
from streaming_system.tracker.event_rooms import EventRooms
from streaming_system.tracker.ingest_address import IngestAddress, parse_ingest_address
from streaming_system.tracker.rate_storage_url import parse_storage_url
from streaming_system.util.file_watch import FileWatch
from streaming_system.util.renamed_settings import find_renamed_setting
from streaming_system.util.validation import (
    Field,
    Flag,
    Integer,
    InvalidValueError,
    Number,
    ParsedText,
    describe_invalid,
)

# The section and key of the shared secret, for messages.
SECRET_KEY = ("config", ("secret",))
MIN_SECRET_CHARS = 16
_GENERATE_SECRET = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"  # noqa: S105 - It is a command.
GUESSABLE_SECRET = (
    "is weak: a program guesses it in less than 100 million attempts; use a random one "
    f"({_GENERATE_SECRET})"
)
SQLITE_IN_PRODUCTION = (
    "is an SQLite database, which is for trials; allowed in production: "
    "postgresql+psycopg://user:password@host/name"
)
DEFAULT_ENDPOINT_URL = "http://{host}:8080/"


class StartupError(Exception):
    """The tracker cannot start; each line says what is wrong, where, and how to fix it."""


@dataclass(frozen=True)
class Setting:
    """A key of the ini file: the text of its default, and the field that parses its text."""

    default: str
    field: Field


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


def _ingest_address(example: str, *schemes: str) -> Setting:
    """Return the setting of the addresses for one protocol; {room} stands for the room's id."""

    def parse(text: str) -> IngestAddress:
        return parse_ingest_address(text, schemes)

    return Setting("", ParsedText(parse, f"an address such as {example}, or lines of ROOM = URL"))


_FLAG = Flag()
_RATE = ParsedText(_parse_rate, "a rate such as 600/minute, or off")
_REPORT_SECONDS = Integer(1, 600, allowed="seconds, 1 to 600")
_ALERT_SECONDS = Number(0, 86400, allowed="seconds, 0 to 86400; 0 for never")
_DAYS = Number(1, 10_000, allowed="days, 1 or more")
_COUNT = Integer(1, 10**6, allowed="a whole number, 1 to 1000000")

SETTINGS: Mapping[str, Setting] = {
    # The base URL of endpoints that report none.
    "endpoint.url": Setting(
        DEFAULT_ENDPOINT_URL,
        ParsedText(
            _parse_url_template, f"an address with {{host}} in it, such as {DEFAULT_ENDPOINT_URL}"
        ),
    ),
    # Trust the form field REMOTE_ADDR of a registration.
    "endpoint.remote_addr_field": Setting("false", _FLAG),
    # Accept the shared secret of the legacy protocol.
    "secret.accepted": Setting("true", _FLAG),
    # The folder of the endpoints' access logs; empty: they are not stored.
    "logdir": Setting("", ParsedText(_parse_path, "the path of a folder")),
    # The size in bytes at which a log file is rotated, and the number of rotated files.
    "logdir.size": Setting("67108864", Integer(1024, 2**40, allowed="1024 or more bytes")),
    "logdir.files": Setting("10", Integer(1, 10_000)),
    # The retention of viewers' addresses and user agents in log files; 0: they are not stored.
    "privacy.days": Setting("0", Integer(0, 365, allowed="a whole number of days, 0 to 365")),
    # The target rate of playback reports, and the bounds of the interval of one player.
    "ingest.target_rate": Setting("20", Number(0.1, 1e6, allowed="reports a second, 0.1 or more")),
    "ingest.min_interval": Setting("5", _REPORT_SECONDS),
    "ingest.max_interval": Setting("60", _REPORT_SECONDS),
    # The maximum number of concurrent reports in one transaction.
    "ingest.max_batch": Setting("64", Integer(1, 1000, allowed="reports, 1 to 1000")),
    # Whether a room that has never had a stream key accepts every encoder.
    "ingest.open": Setting("false", _FLAG),
    # The addresses that the crew's page shows for encoders.
    "ingest.rtmp": _ingest_address("rtmp://ingest.example.org/live", "rtmp", "rtmps"),
    "ingest.whip": _ingest_address("https://ingest.example.org/{room}/whip", "https", "http"),
    "ingest.icecast": _ingest_address("icecast://ingest.example.org:8000/{room}.webm", "icecast"),
    # The retention of samples, of rollups per minute, and of rollups per ten minutes.
    "retention.samples_hours": Setting("3", Number(1, 10_000, allowed="hours, 1 or more")),
    "retention.minutes_days": Setting("8", _DAYS),
    "retention.ten_minutes_days": Setting("400", _DAYS),
    # The retention of captions, in days.
    "retention.captions_days": Setting("30", _DAYS),
    # The Redis or Valkey server that counts requests for all workers; empty: each counts its own.
    "limit.storage": Setting(
        "", ParsedText(parse_storage_url, "a URL such as redis://127.0.0.1:6379/0")
    ),
    # The rate limits of an address and of a token. All viewers at a venue, or in a provider's town,
    # may share one address: thousands of players that send a request every five seconds.
    "limit.reports": Setting("12000/minute", _RATE),
    "limit.writes": Setting("1200/minute", _RATE),
    "limit.reads": Setting("120000/minute", _RATE),
    # A query over time costs the database a thousand times as much as a list.
    "limit.graphs": Setting("300/minute", _RATE),
    "limit.logins": Setting("20/minute", _RATE),
    # The number of refused encoders of a room, and of requests to the hooks without a valid token.
    "limit.publish": Setting("60/minute", _RATE),
    # The number of new players of an address.
    "limit.players": Setting("10000/hour", _RATE),
    # The number of times that an address may send feedback on talks.
    "limit.feedback": Setting("60/minute", _RATE),
    # The number of times that an address may set its reminders.
    "limit.reminders": Setting("300/minute", _RATE),
    # The number of lines that captioners of an address, or with one token, send.
    "limit.captions": Setting("1200/minute", _RATE),
    # The thresholds of rebuffering incidents: the rebuffer ratio, the number of players, and the
    # number of networks without which the ratio must be above the threshold, plus one.
    "alert.rebuffering": Setting("0.05", Number(0, 1, allowed="a share, 0 to 1")),
    "alert.players": Setting("10", _COUNT),
    "alert.networks": Setting("3", _COUNT),
    # After how many seconds of a talk a black, frozen or silent stream opens an incident; a frozen
    # one sooner if it is silent, too. 0: never.
    "alert.black": Setting("30", _ALERT_SECONDS),
    "alert.frozen": Setting("900", _ALERT_SECONDS),
    "alert.frozen_silent": Setting("60", _ALERT_SECONDS),
    "alert.silence": Setting("120", _ALERT_SECONDS),
    # By how many seconds the clock of an agent may differ from ours.
    "alert.clock": Setting("5", Number(2, 3600, allowed="seconds, 2 to 3600")),
    # Seconds after which a slate during a talk is an incident; 0: never.
    "alert.slate": Setting("60", Number(0, 3600, allowed="seconds, 0 to 3600")),
    # The bounds on what tokens, the shared secret and players can fill.
    "bound.endpoints_per_room": Setting("200", _COUNT),
    "bound.endpoints_per_token": Setting("100", _COUNT),
    "bound.components_per_room": Setting("1000", _COUNT),
    "bound.incidents_per_room": Setting("20", _COUNT),
    # How many viewers may rate a talk, and all talks together.
    "bound.feedback_per_talk": Setting("2000", _COUNT),
    "bound.feedback": Setting("50000", _COUNT),
    # How many browsers may have reminders.
    "bound.reminder_browsers": Setting("50000", _COUNT),
    "bound.rows_per_table": Setting("5000000", Integer(1, 10**12, allowed="a whole number from 1")),
    # The sources of a viewer's region: a header of a CDN, a MaxMind database of countries.
    "region.header": Setting("", ParsedText(str.strip, "the name of a header")),
    "region.file": Setting("", ParsedText(_parse_path, "the path of a MaxMind file")),
    # The address of the organisers for push services; empty: there are no reminders.
    "reminders.contact": Setting("", Contact()),
    # How many minutes before a talk its reminder is sent, and the hosts of push services.
    "reminders.minutes": Setting("5", Integer(0, 120, allowed="minutes, 0 to 120")),
    "reminders.services": Setting(DEFAULT_SERVICES, ParsedText(parse_push_services, HOSTS)),
    # The URL of the frontend, for links to its pages.
    "frontend.url": Setting("/", ParsedText(_parse_site_url, "/ or an address, as https://host/")),
    # The sites whose pages may send requests from a browser.
    "allowed_origins": Setting(
        "*", ParsedText(_parse_origins, "* or addresses such as https://live.example.org")
    ),
    # Cache the stream lists and graphs for a second.
    "response_cache.enabled": Setting("true", _FLAG),
    # Send the session cookie of the crew over HTTPS only.
    "session.secure": Setting("true", _FLAG),
    # Require a second factor of every account of the crew.
    "second_factor.required": Setting("false", _FLAG),
}


def ini_keys() -> dict[str, Field | None]:
    """Return the keys of the tracker's section, and their fields."""
    return {**TRACKER_KEYS, **{name: setting.field for name, setting in SETTINGS.items()}}


def load_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the app: the values of :data:`SETTINGS`, and ``conference``.

    ``conference`` is the :class:`ConferenceConfig` of the JSON files. Other keys stay unchanged.

    :raises StartupError: with one line for each error, if a setting or the configuration is
        invalid.
    """
    if renamed := find_renamed_setting(settings):
        raise StartupError(renamed)
    try:
        require_valid_ini(settings, "tracker", ini_keys())
    except config.ConfigError as error:
        raise StartupError(str(error)) from None
    conference = load_conference(settings, FileWatch())
    values = {name: _parse_setting(name, setting, settings) for name, setting in SETTINGS.items()}
    return {**settings, "conference": conference, **values}


def load_conference(
    settings: Mapping[str, Any], watch: FileWatch, events: EventRooms | None = None
) -> config.ConferenceConfig:
    """Return the configuration of the JSON files, with a secret and the rooms of all conferences.

    :param watch: gets the files.
    :param events: provides the rooms; the last valid ones if it has been used before.
    :raises StartupError: if the configuration is invalid.
    """
    try:
        watch.add(*config.configuration_files(settings))
        checked = config.check_configuration(settings)
        conference = checked.require()
    except config.ConfigError as error:
        raise StartupError(str(error)) from None
    if problem := secret_problem(conference, asbool(settings.get("secret.allow_example"))):
        checked.sections.add(*SECRET_KEY, problem)
        raise StartupError("\n".join(errors_of(checked.findings)))
    return (events or EventRooms()).add_to(conference, settings, watch)


def load_ingest_addresses(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of ``ingest.rtmp`` and the like, for a program that is not the app.

    :raises StartupError: if one is invalid.
    """
    names = ("ingest.rtmp", "ingest.whip", "ingest.icecast")
    return {name: _parse_setting(name, SETTINGS[name], settings) for name in names}


def _parse_setting(name: str, setting: Setting, settings: Mapping[str, Any]) -> Any:
    text = str(settings.get(name, setting.default)).strip()
    try:
        return setting.field.parse(text)
    except InvalidValueError as error:
        invalid = describe_invalid(text, error.allowed)
        raise StartupError(f"{name} in the ini file {invalid}") from None


def secret_problem(conference: config.ConferenceConfig, allow_example: bool) -> str:
    """Return why the tracker cannot use the secret; "" if it can."""
    if not conference.site.secret:
        return f"set one in config.private.json, such as {_GENERATE_SECRET}"
    if has_example_secret(conference) and not allow_example:
        return (
            "is the example's, which everybody knows; allowed: any text of your own "
            f"({_GENERATE_SECRET})"
        )
    return ""


def has_example_secret(conference: config.ConferenceConfig) -> bool:
    """Return whether the secret is the public one of the example."""
    secret = conference.site.secret
    return secret == config.EXAMPLE_SECRET


def secret_warning(conference: config.ConferenceConfig) -> str:
    """Return why the secret is weak; "" if it is not."""
    secret = conference.site.secret
    if has_example_secret(conference) or len(secret) >= MIN_SECRET_CHARS:
        return ""
    return (
        f"is weak: it has {len(secret)} characters, and programs can try many; use "
        f"{MIN_SECRET_CHARS} or more random ones ({_GENERATE_SECRET})"
    )
