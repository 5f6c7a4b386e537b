"""The settings of the tracker: the values of its keys, and the configuration."""

from collections.abc import Mapping
from typing import Any

from pyramid.settings import asbool

from streaming_system import config
from streaming_system.config.findings import errors_of
from streaming_system.config.ini_file import require_valid_ini
from streaming_system.tracker.event_rooms import EventRooms
from streaming_system.tracker.ini_keys import SETTINGS, ini_keys
from streaming_system.util.file_watch import FileWatch
from streaming_system.util.ini_key import IniKey
from streaming_system.util.renamed_settings import find_renamed_setting
from streaming_system.util.validation import InvalidValueError, describe_invalid

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


class StartupError(Exception):
    """The tracker cannot start; each line says what is wrong, where, and how to fix it."""


def load_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the app: the values of :data:`ini_keys.SETTINGS`, and ``conference``.

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
    values = {name: _parse_setting(name, key, settings) for name, key in SETTINGS.items()}
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


def _parse_setting(name: str, key: IniKey, settings: Mapping[str, Any]) -> Any:
    text = str(settings.get(name, key.default)).strip()
    try:
        return key.field.parse(text)
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
