"""`streaming-system schedule watch`: imports the schedules whenever their feeds change."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from streaming_system.cli.common import feed_options, load_config, one_line_errors
from streaming_system.cli.event_option import (
    is_archive,
    load_current_events,
    load_selected_settings,
    selected_event,
)
from streaming_system.cli.import_report import (
    describe_remaining,
    import_and_report,
    report_failure,
)
from streaming_system.cli.plugins import record_plugins
from streaming_system.cli.schedule_recordings import RecordingsUpdate
from streaming_system.config import (
    ConferenceConfig,
    ConfigError,
    configuration_files,
    load_conference_from_settings,
)
from streaming_system.config.ini import SettingsError, require
from streaming_system.config.worker_records import import_trigger_file
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule_import.importer import ImportFailedError
from streaming_system.schedule_import.poll import ConditionalFetcher, run_poll_loop
from streaming_system.util.file_watch import FileStat, FileWatch, stat_file
from streaming_system.util.log_once import LogOnce
from streaming_system.web.reloader import CHECK_INTERVAL, Reloader

log = logging.getLogger("streaming_system.schedule")

ACCEPT_SHRINK = click.option(
    "--accept-shrink",
    is_flag=True,
    help="Accept a schedule with less than half of the talks of the current one.",
)


class WatchEndedError(Exception):
    """The conference is over, or its folder has been removed."""


@click.command("watch")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    help="Polling interval, with 20 % jitter; it grows after failures.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N polls.")
@ACCEPT_SHRINK
@click.pass_obj
def watch_command(ini: Path, interval: float, count: int | None, accept_shrink: bool) -> None:
    """Poll the feeds, import changes and log them.

    The current schedule stays if a feed fails or has lost half of its talks. A change of the
    configuration starts a poll at once. Without --event, the command watches all conferences of the
    site that are not over, also those whose folders appear later.
    """
    with one_line_errors():
        settings = load_selected_settings(ini)
        is_single = bool(selected_event()) or not settings.get("events.folder")
        watcher = ScheduleWatcher(settings, accept_shrink) if is_single else None
    logging.getLogger("streaming_system").setLevel(logging.INFO)
    if watcher:
        watcher.run(interval, count)
    else:
        watch_all(
            settings,
            lambda derived, check: ScheduleWatcher(derived, accept_shrink, check).run(
                interval, count
            ),
            is_endless=count is None,
        )


def watch_all(
    settings: Mapping[str, Any],
    watch: Callable[[Mapping[str, Any], Callable[[], bool]], None],
    *,
    is_endless: bool,
) -> None:
    """Watch the site and its conferences, each in a thread of its own.

    :param settings: of the site.
    :param watch: watches one, given its settings and a function that returns whether to end.
    """
    threads: dict[str, threading.Thread] = {}
    problems = LogOnce(log)

    def run(name: str, derived: Mapping[str, Any]) -> None:
        try:
            watch(derived, partial(_has_ended, name, derived))
        except WatchEndedError:
            log.info("%s: is not watched any more", name)
        except (ConfigError, SettingsError) as error:
            problems.warn(name, " ".join(str(error).split()))
        else:
            problems.resolve(name)

    while True:
        sites = {"": settings, **load_current_events(settings)}
        for name, own in sites.items():
            thread = threads.get(name)
            if (thread is None or (is_endless and not thread.is_alive())) and _should_watch(own):
                threads[name] = threading.Thread(target=run, args=(name, own), daemon=True)
                threads[name].start()
        time.sleep(CHECK_INTERVAL)
        if not is_endless and not any(thread.is_alive() for thread in threads.values()):
            return


def _has_ended(name: str, settings: Mapping[str, Any]) -> bool:
    is_removed = not Path(settings["config.public"]).exists()
    return bool(name) and (is_removed or is_archive(settings, datetime.now(UTC)))


def has_feed(settings: Mapping[str, Any]) -> bool:
    """Return whether a room has a feed.

    :raises ConfigError: if the configuration is invalid.
    """
    return any(room.schedule for room in load_conference_from_settings(settings).rooms.values())


def _should_watch(settings: Mapping[str, Any]) -> bool:
    try:
        return has_feed(settings)
    except ConfigError:
        # The watcher logs it.
        return True


class ScheduleWatcher:
    """Imports the schedule of a site, or of one of its conferences, whenever a feed changes.

    :param has_ended: returns whether to stop.
    :raises ConfigError: if the configuration is invalid.
    :raises SettingsError: if the ini file is invalid.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        accept_shrink: bool,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings, self._accept_shrink, self._has_ended = settings, accept_shrink, has_ended
        self._target = Path(require(settings, "schedule.file"))
        options = feed_options(settings, load_config(settings).site)
        self._configurations = Reloader(partial(_load_conference, settings), "configuration")
        self._pages = PageEventPublisher(settings.get("push.url", ""))
        self._feeds = ConditionalFetcher(
            options.limits.max_download_bytes, options.limits.timeout, options.allowed_networks
        )
        self._request = ImportRequest(settings)
        self._imported: ConferenceConfig | None = None
        self._recordings = RecordingsUpdate(settings, LogOnce(log).warn)

    def run(self, interval: float, count: int | None) -> None:
        """Poll at an interval in seconds.

        :raises WatchEndedError: if the conference is over or has been removed.
        """
        run_poll_loop(self.poll, interval=interval, count=count, sleep=self._sleep)

    def poll(self) -> bool:
        """Import the feeds and lists of recordings that have changed.

        :return: whether the import of the feeds succeeded.
        """
        succeeded = self._poll_feeds()
        # Recordings appear long after the last change of the schedule.
        config = self._configurations.value
        if self._target.exists() and self._recordings.run(config).has_changed:
            self._pages.publish("schedule")
            log.info("the recordings of talks have changed")
        return succeeded

    def _poll_feeds(self) -> bool:
        feeds = self._feeds
        feeds.changed = False
        config = self._configurations.current()
        try:
            for source in {room.schedule for room in config.rooms.values()} - {""}:
                try:
                    feeds.fetch(source)
                except FeedError as error:
                    raise FeedError(f"{source}: {error}") from None
            if self._imported is config and not feeds.changed and not self._request.is_pending():
                return True
            record_plugins(self._settings, self._target)
            outcome = import_and_report(
                config,
                feed_options(self._settings, config.site),
                self._target,
                accept_shrink=self._accept_shrink,
                fetch=feeds.fetch,
            )
        except ImportFailedError as error:
            log.warning("%s", error)
            return False
        except FeedError as error:
            report_failure(error, self._target)
            log.warning("%s; %s", error, describe_remaining(self._target))
            return False
        self._imported = config
        for warning in outcome.warnings:
            log.warning("%s", warning)
        self._pages.publish("schedule")
        log.info("imported; %s changes", len(outcome.changes))
        return True

    def _sleep(self, seconds: float) -> None:
        """Wait for the next poll, a change of the configuration, or a request of the crew."""
        end = time.monotonic() + seconds
        before = self._configurations.value
        while (rest := end - time.monotonic()) > 0 and self._configurations.current() is before:
            if self._has_ended():
                raise WatchEndedError
            if self._request.has_arrived():
                return
            time.sleep(min(rest, CHECK_INTERVAL))


def _load_conference(settings: Mapping[str, str], watch: FileWatch) -> ConferenceConfig:
    watch.add(*configuration_files(settings))
    return load_conference_from_settings(settings)


class ImportRequest:
    """The file with which the crew requests an import: it is touched."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._path = import_trigger_file(settings)
        self._stat = self._new_stat = self._stat_path()

    def has_arrived(self) -> bool:
        """Return whether there is a request that no import has served."""
        self._new_stat = self._stat_path()
        return self._new_stat != self._stat

    def is_pending(self) -> bool:
        """Return whether there is a request; the caller serves it."""
        is_pending = self.has_arrived()
        self._stat = self._new_stat
        return is_pending

    def _stat_path(self) -> FileStat:
        return stat_file(self._path) if self._path else None
