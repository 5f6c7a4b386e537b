"""`streaming-system schedule recordings`: finds the published recordings of talks."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from streaming_system.cli.common import feed_options, load_config, one_line_errors, progress
from streaming_system.cli.event_option import load_selected_settings
from streaming_system.config import ConferenceConfig
from streaming_system.config.ini import SettingsError, require
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.schedule.recordings import RecordingsFileError, recordings_file
from streaming_system.schedule.storage import ScheduleFileError
from streaming_system.schedule_import.download import fetch_feed
from streaming_system.schedule_import.feed_reader import FeedReaderOptions
from streaming_system.schedule_import.poll import ConditionalFetcher
from streaming_system.schedule_import.recordings_fetch import FetchedRecordings, fetch_recordings


@click.command("recordings")
@click.pass_obj
def recordings_command(ini: Path) -> None:
    """Fetch the lists of recordings, and match them with the talks of the schedule.

    Entries without a talk, and those that may belong to several, are listed. If a list fails, its
    last recordings stay, and the exit status is 1.
    """
    with one_line_errors():
        settings = load_selected_settings(ini)
        target = Path(require(settings, "schedule.file"))
        config = load_config(settings)
        if not any(room.recordings_list for room in config.rooms.values()):
            raise SettingsError(
                "no room has a list of recordings: set recordings-list in config.private.json"
            )
        options = feed_options(settings, config.site)
        with progress("Reading the recordings"):
            try:
                results, has_changed = fetch_recordings(
                    config, target, _fetcher(options), now=datetime.now(UTC)
                )
            except RecordingsFileError as error:
                raise SettingsError(str(error)) from None
    for result in results:
        if result.error:
            click.echo(f"Error: {result.describe()}", err=True)
            continue
        click.echo(result.describe())
        for line in result.unmatched:
            click.echo(f"  no talk: {line}")
    if all(result.error for result in results):
        raise click.exceptions.Exit(1)
    if has_changed:
        PageEventPublisher(settings.get("push.url", "")).publish("schedule")
        click.echo(f"Wrote {recordings_file(target)}")
    else:
        click.echo("The recordings have not changed")
    if any(result.error for result in results):
        raise click.exceptions.Exit(1)


class RecordingsUpdate:
    """Fetches the lists after imports of the schedule, which do not depend on them.

    :param warn: gets a list and what is wrong with it.
    """

    def __init__(self, settings: Mapping[str, str], warn: Callable[[str, str], object]) -> None:
        self._target = Path(require(settings, "schedule.file"))
        options = feed_options(settings)
        self._lists = ConditionalFetcher(
            options.limits.max_download_bytes, options.limits.timeout, options.allowed_networks
        )
        self._warn = warn

    def run(self, config: ConferenceConfig) -> FetchedRecordings:
        """Fetch the lists. A failure is a warning, and the last recordings stay."""
        if not any(room.recordings_list for room in config.rooms.values()):
            return FetchedRecordings([], has_changed=False)
        try:
            fetched = fetch_recordings(
                config, self._target, self._lists.fetch, now=datetime.now(UTC)
            )
        except (RecordingsFileError, ScheduleFileError) as error:
            self._warn("recordings", str(error))
            return FetchedRecordings([], has_changed=False)
        for result in fetched.results:
            if result.error:
                self._warn(result.source, f"{result.error}; its last recordings stay")
        return fetched


def _fetcher(options: FeedReaderOptions) -> Callable[[str], bytes]:
    return partial(
        fetch_feed,
        max_bytes=options.limits.max_download_bytes,
        timeout=options.limits.timeout,
        allowed_networks=options.allowed_networks,
    )
