"""Helpers of several commands."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
from streaming_system.config.findings import ERROR, Finding
from streaming_system.config.ini import SettingsError
from streaming_system.net.ssrf import NetworkSettingError, parse_allowed_networks
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.schedule.storage import ScheduleFileError
from streaming_system.schedule_import.feed_reader import FeedReaderOptions
from streaming_system.schedule_import.importer import ImportFailedError
from streaming_system.util.validation import Flag, InvalidValueError, describe_invalid

DEFAULT_INI = "development.ini"


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn each error in files and feeds into one line on stderr, and exit status 1."""
    try:
        yield
    except ConfigError as error:
        raise click.ClickException("\nError: ".join(error.lines)) from None
    except (
        SettingsError,
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
        allow_sample=_flag(settings, "schedule.allow_sample"),
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


def print_findings(findings: Iterable[Finding]) -> None:
    """Print each problem of a configuration as one line on stderr."""
    for finding in findings:
        label = "Error" if finding.severity == ERROR else "warning"
        click.echo(f"{label}: {finding}", err=True)


def _flag(settings: Mapping[str, str], key: str) -> bool:
    text = settings.get(key, "false").strip()
    try:
        return bool(Flag().parse(text))
    except InvalidValueError as error:
        raise SettingsError(
            f"{key} in the ini file {describe_invalid(text, error.allowed)}"
        ) from None


def _positive_integer(settings: Mapping[str, str], key: str, default: int) -> int:
    text = settings.get(key, str(default))
    if not text.isascii() or not text.isdigit() or not int(text):
        raise SettingsError(f"{key} in the ini file is {text!r}; allowed: a whole number above 0")
    return int(text)
