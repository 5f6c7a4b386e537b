"""What the commands share."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from streaming_system.agent.config_section import AgentConfigError as AgentConfigError
from streaming_system.agent.tracker_http import TrackerError
from streaming_system.config import (
    ConferenceConfig,
    ConfigError,
    SiteConfig,
    load_conference_from_settings,
)
from streaming_system.config.ini import SettingsError
from streaming_system.net.ssrf import NetworkSettingError, parse_allowed_networks
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.schedule.storage import ScheduleFileError
from streaming_system.schedule_import.feed_reader import FeedReaderOptions
from streaming_system.schedule_import.importer import ImportFailedError

DEFAULT_INI = "development.ini"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what is wrong with somebody's file into one line on stderr and exit status 1."""
    try:
        yield
    except (
        SettingsError,
        ConfigError,
        AgentConfigError,
        PluginError,
        ImportFailedError,
        TrackerError,
        FeedError,
        ScheduleFileError,
    ) as error:
        raise click.ClickException(" ".join(str(error).split())) from None


@contextmanager
def progress(what: str) -> Iterator[Callable[[str], None]]:
    """Tell people at a terminal what takes a while, and take it away when it is done.

    It gives a function that says how far it is.
    """
    if not sys.stderr.isatty():
        yield lambda how_far: None
        return

    def tell(how_far: str) -> None:
        click.echo(f"\x1b[2K{' '.join((what, how_far)).strip()} …\r", nl=False, err=True)

    tell("")
    try:
        yield tell
    finally:
        click.echo("\x1b[2K", nl=False, err=True)


def load_config(settings: Mapping[str, str]) -> ConferenceConfig:
    """Read the configuration; say its warnings."""
    found = load_conference_from_settings(settings)
    for warning in found.warnings:
        click.echo(f"warning: {warning}", err=True)
    return found


def warn_about_theme(config: ConferenceConfig) -> None:
    """Read the theme that the configuration names; say what has been corrected in it."""
    # Only those who check wait for the templates' language.
    from streaming_system import theme

    if config.site.theme:
        try:
            found = theme.load(config.site.theme)
        except theme.ThemeError as error:
            raise click.ClickException(" ".join(str(error).split())) from None
        for note in found.notes:
            click.echo(f"warning: {note}", err=True)
        click.echo(f"theme: {found.name}")


def feed_options(settings: Mapping[str, str], site: SiteConfig | None = None) -> FeedReaderOptions:
    """Return how feeds are read: the plugins and limits of the ini, the words of the configuration.

    :raises SettingsError: if a limit is no number, or an address is none.
    """
    folder = settings.get("plugins.folder")
    try:
        networks = parse_allowed_networks(settings)
    except NetworkSettingError as error:
        raise SettingsError(str(error)) from None
    return FeedReaderOptions(
        networks=networks,
        plugins=Path(folder) if folder else None,
        format=site.schedule_format if site else "",
        columns=site.schedule_columns if site else {},
        limits=ResourceLimits(
            download=_positive_integer(settings, "feed.download", ResourceLimits.download),
            inflated=_positive_integer(settings, "feed.inflated", ResourceLimits.inflated),
            seconds=_positive_integer(settings, "feed.seconds", int(ResourceLimits.seconds)),
            memory=_positive_integer(settings, "feed.memory", ResourceLimits.memory),
        ),
    )


def _positive_integer(settings: Mapping[str, str], key: str, default: int) -> int:
    text = settings.get(key, str(default))
    if not text.isascii() or not text.isdigit() or not int(text):
        raise SettingsError(f"{key} in the ini file is {text!r}; allowed: a whole number above 0")
    return int(text)
