"""The option `--event`: which conference of a site a command is about."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from streaming_system.config.events import event_settings, list_events
from streaming_system.config.ini import load_app_settings
from streaming_system.schedule.event_dates import load_dates

Settings = Mapping[str, Any]


def selected_event() -> str:
    """Return the value of the option; "" without it."""
    context = click.get_current_context(silent=True)
    name = context.find_root().params.get("event") if context else None
    return name or ""


def load_selected_settings(ini: Path) -> Settings:
    """Return the settings of the site, or of the conference that the option names.

    :raises SettingsError: if the ini file is invalid.
    :raises ConfigError: if there is no such conference.
    """
    settings = load_app_settings(ini, "frontend")
    name = selected_event()
    return event_settings(settings, name) if name else settings


def load_current_events(settings: Settings) -> dict[str, Settings]:
    """Return the settings of the conferences by name; archives are left out.

    :param settings: of the site.
    """
    found = {name: event_settings(settings, name) for name in list_events(settings)}
    now = datetime.now(UTC)
    return {name: own for name, own in found.items() if not is_archive(own, now)}


def is_archive(settings: Settings, now: datetime) -> bool:
    """Return whether a conference is over, so that its feeds are not polled."""
    dates = load_dates(Path(settings["schedule.file"]))
    return dates is not None and dates.is_archive(now)
