"""Helpers of several commands."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from streaming_system.agent.config_section import AgentConfigError
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
from streaming_system.util.file_watch import FileWatch

DEFAULT_INI = "development.ini"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn errors in files and feeds into one line on stderr and exit status 1."""
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
def progress(task: str) -> Iterator[Callable[[str], None]]:
    """Show the running task in a terminal, and remove it at the end.

    It yields a function that shows the progress of the task.
    """
    if not sys.stderr.isatty():
        yield lambda state: None
        return

    def show(state: str) -> None:
        click.echo(f"\x1b[2K{' '.join((task, state)).strip()} …\r", nl=False, err=True)

    show("")
    try:
        yield show
    finally:
        click.echo("\x1b[2K", nl=False, err=True)


def load_config(settings: Mapping[str, str]) -> ConferenceConfig:
    """Load the configuration, and print its warnings."""
    config = load_conference_from_settings(settings)
    for warning in config.warnings:
        click.echo(f"warning: {warning}", err=True)
    return config


def warn_about_theme(config: ConferenceConfig) -> None:
    """Load the theme of the configuration, and print its warnings."""
    # The template engine slows down the start, so other commands do not import it.
    from streaming_system import theme

    if config.site.theme:
        try:
            loaded = theme.load_theme(config.site.theme)
        except theme.ThemeError as error:
            raise click.ClickException(" ".join(str(error).split())) from None
        for note in loaded.warnings:
            click.echo(f"warning: {note}", err=True)
        click.echo(f"theme: {loaded.name}")


def validate_site_files(settings: Mapping[str, str]) -> None:
    """Validate the files of the pages besides the configuration: theme, catalogues and brand.

    :raises click.ClickException: if one is invalid.
    """
    # The web framework slows down the start, so other commands do not import it.
    from streaming_system.frontend.brand import BrandError, validate_brand_folder
    from streaming_system.frontend.i18n import LanguageError
    from streaming_system.frontend.site_state import load_site_state
    from streaming_system.theme import ThemeError

    try:
        load_site_state(settings, FileWatch())
        validate_brand_folder(settings.get("brand.folder"))
    except (BrandError, LanguageError, ThemeError) as error:
        raise click.ClickException(" ".join(str(error).split())) from None


def feed_options(settings: Mapping[str, str], site: SiteConfig | None = None) -> FeedReaderOptions:
    """Return how feeds are read: plugins and limits of the ini, formats of the configuration.

    :raises SettingsError: if a limit or an address is invalid.
    """
    folder = settings.get("plugins.folder")
    try:
        networks = parse_allowed_networks(settings)
    except NetworkSettingError as error:
        raise SettingsError(str(error)) from None
    return FeedReaderOptions(
        allowed_networks=networks,
        plugin_folder=Path(folder) if folder else None,
        format=site.schedule_format if site else "",
        columns=site.schedule_columns if site else {},
        limits=ResourceLimits(
            max_download_bytes=_positive_integer(
                settings, "feed.download", ResourceLimits.max_download_bytes
            ),
            max_decompressed_bytes=_positive_integer(
                settings, "feed.inflated", ResourceLimits.max_decompressed_bytes
            ),
            timeout=_positive_integer(settings, "feed.seconds", int(ResourceLimits.timeout)),
            max_memory_bytes=_positive_integer(
                settings, "feed.memory", ResourceLimits.max_memory_bytes
            ),
        ),
    )


def _positive_integer(settings: Mapping[str, str], key: str, default: int) -> int:
    text = settings.get(key, str(default))
    if not text.isascii() or not text.isdigit() or not int(text):
        raise SettingsError(f"{key} in the ini file is {text!r}; allowed: a whole number above 0")
    return int(text)
