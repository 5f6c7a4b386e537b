"""The keys of ``[app:tracker]`` that are limits: rates, thresholds of incidents, and bounds."""

from collections.abc import Mapping

import limits

from streaming_system.tracker.rate_storage_url import parse_storage_url
from streaming_system.util.ini_key import IniKey
from streaming_system.util.validation import Integer, Number, ParsedText


def _parse_rate(text: str) -> limits.RateLimitItem | None:
    return None if text == "off" else limits.parse(text)


_RATE = ParsedText(_parse_rate, "a rate such as 600/minute, or off")
_ALERT_SECONDS = Number(0, 86400, allowed="seconds, 0 to 86400; 0 for never")
_COUNT = Integer(1, 10**6, allowed="a whole number, 1 to 1000000")
_INCIDENTS = "reference/incidents.md"
_LIMITS = "how-to/use-the-api.md#limits"


def _rate(meaning: str, default: str, see: str = "") -> IniKey:
    return IniKey(meaning, default, _RATE, see)


def _count(meaning: str, default: str, see: str = "") -> IniKey:
    return IniKey(meaning, default, _COUNT, see)


# All viewers at a venue, or in a provider's town, may share one address: thousands of players that
# send a request every five seconds. A query over time costs the database a thousand times as much
# as a list.
_RATES: Mapping[str, IniKey] = {
    "limit.storage": IniKey(
        "The Redis or Valkey server that counts the requests of all workers; without it, each "
        "worker counts its own",
        field=ParsedText(parse_storage_url, "a URL such as redis://127.0.0.1:6379/0"),
        see="how-to/tracker-workers.md#rate-limits-of-several-workers",
    ),
    "limit.reports": _rate(
        "How often one address, and one token, may send reports", "12000/minute"
    ),
    "limit.writes": _rate("How often one address, and one token, may write", "1200/minute"),
    "limit.reads": _rate("How often one address, and one token, may read", "120000/minute"),
    "limit.graphs": _rate(
        "How often one address, and one token, may read metrics over time", "300/minute"
    ),
    "limit.logins": _rate("How often one address may try passwords", "20/minute"),
    "limit.publish": _rate(
        "How many encoders of a room the publish hooks refuse before they respond with 429, and "
        "how many requests without a valid token",
        "60/minute",
        "how-to/publish-hooks.md",
    ),
    "limit.players": _rate(
        "How many players may begin at one address; known players always report on", "10000/hour"
    ),
    "limit.feedback": _rate(
        "How often one address may send feedback on talks",
        "60/minute",
        "reference/pages.md#feedback",
    ),
    "limit.reminders": _rate(
        "How often one address may set its reminders",
        "300/minute",
        "how-to/reminders.md#turning-them-on",
    ),
    "limit.captions": _rate(
        "How many lines of captions one address, and one token, may send",
        "1200/minute",
        "how-to/captions.md",
    ),
}
_ALERTS: Mapping[str, IniKey] = {
    "alert.rebuffering": IniKey(
        "The rebuffer ratio of a room that opens an incident",
        "0.05",
        Number(0, 1, allowed="a share, 0 to 1"),
        _INCIDENTS,
    ),
    "alert.players": _count(
        "The number of players from which on a rebuffer ratio opens an incident", "10", _INCIDENTS
    ),
    "alert.networks": _count(
        "The smallest number of networks that can open a `rebuffering` incident together; 1 if all "
        "viewers are in one network",
        "3",
        _INCIDENTS,
    ),
    "alert.black": IniKey(
        "The seconds of a talk after which a black picture is an incident",
        "30",
        _ALERT_SECONDS,
        _INCIDENTS,
    ),
    "alert.frozen": IniKey(
        "The seconds of a talk after which a still picture is an incident",
        "900",
        _ALERT_SECONDS,
        _INCIDENTS,
    ),
    "alert.frozen_silent": IniKey(
        "The seconds of a talk after which a still picture without sound is an incident",
        "60",
        _ALERT_SECONDS,
        _INCIDENTS,
    ),
    "alert.silence": IniKey(
        "The seconds of a talk after which silence is an incident",
        "120",
        _ALERT_SECONDS,
        _INCIDENTS,
    ),
    "alert.clock": IniKey(
        "The seconds by which the clock of an agent may differ from the tracker's",
        "5",
        Number(2, 3600, allowed="seconds, 2 to 3600"),
        _INCIDENTS,
    ),
    "alert.slate": IniKey(
        "The seconds after which a slate during a talk is an incident; 0: never",
        "60",
        Number(0, 3600, allowed="seconds, 0 to 3600"),
        "how-to/slates.md",
    ),
}
# What tokens, the shared secret and players can fill.
_BOUNDS: Mapping[str, IniKey] = {
    "bound.endpoints_per_room": _count("The maximum number of endpoints of a room", "200", _LIMITS),
    "bound.endpoints_per_token": _count(
        "The maximum number of endpoints of a token", "100", _LIMITS
    ),
    "bound.components_per_room": _count(
        "The maximum number of components of pipelines of a room", "1000", _LIMITS
    ),
    "bound.incidents_per_room": _count(
        "The maximum number of listed open incidents of a room; the last one counts the others",
        "20",
        _INCIDENTS,
    ),
    "bound.feedback_per_talk": _count(
        "The maximum number of viewers that rate a talk; beyond that, known browsers can only "
        "change their feedback",
        "2000",
    ),
    "bound.feedback": _count("The maximum number of ratings of all talks together", "50000"),
    "bound.reminder_browsers": _count(
        "The maximum number of browsers that have reminders",
        "50000",
        "how-to/reminders.md#turning-them-on",
    ),
    "bound.rows_per_table": IniKey(
        "The maximum number of rows of a table; beyond that, there are no new players and "
        "annotations, and no more history",
        "5000000",
        Integer(1, 10**12, allowed="a whole number from 1"),
    ),
}
BOUND_KEYS: Mapping[str, IniKey] = {**_RATES, **_ALERTS, **_BOUNDS}
