"""Imports the schedule and writes the report of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.config import ConferenceConfig
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin.skipped_entry import SkippedEntry
from streaming_system.schedule.import_report import ImportReport, save_report
from streaming_system.schedule_import.feed_reader import FeedReaderOptions
from streaming_system.schedule_import.importer import (
    ImportedFeed,
    ImportFailedError,
    ImportResult,
    import_schedule,
)


def import_and_report(
    config: ConferenceConfig,
    options: FeedReaderOptions,
    target: Path,
    *,
    accept_shrink: bool,
    fetch: Callable[[str], bytes] | None = None,
) -> ImportResult:
    """Import the feeds of all rooms, and write the report for the crew.

    :param fetch: as in :func:`import_schedule`.
    :raises ImportFailedError: if a step fails; the schedule file is unchanged.
    """
    now = datetime.now(UTC)
    try:
        outcome = import_schedule(
            config, options, target, now=now, accept_shrink=accept_shrink, fetch=fetch
        )
    except ImportFailedError as error:
        report_failure(error, target)
        raise ImportFailedError(f"{error}; {describe_remaining(target)}") from None
    except FeedError as error:
        report_failure(error, target)
        raise
    zone = config.default.schedule_timezone or config.site.schedule_timezone or ZoneInfo("UTC")
    report = ImportReport(
        at=now,
        feeds=tuple(map(describe_feed, outcome.feeds)),
        warnings=(
            *(line for feed in outcome.feeds for line in feed.validated.warnings),
            *outcome.warnings,
        ),
        skipped=tuple(
            describe_skipped(entry) for feed in outcome.feeds for entry in feed.validated.skipped
        ),
        changes=tuple(change.describe(zone) for change in outcome.changes),
    )
    save_report(report, target)
    return outcome


def describe_remaining(target: Path) -> str:
    """Describe what viewers see after an import has failed."""
    return "the schedule in service stays" if target.exists() else "there is no schedule yet"


def report_failure(error: Exception, target: Path) -> None:
    """Write the report of an import that failed."""
    save_report(ImportReport(at=datetime.now(UTC), error=" ".join(str(error).split())), target)


def describe_feed(feed: ImportedFeed) -> str:
    """Describe a feed in one line."""
    checked = feed.validated
    return (
        f"{feed.source}: {feed.format}, {len(checked.talks)} of {checked.entries} entries "
        f"for {', '.join(feed.rooms)}"
    )


def describe_skipped(entry: SkippedEntry) -> str:
    """Describe an entry of a feed that is no talk in one line."""
    detail = f" ({entry.detail})" if entry.detail not in ("", entry.reason) else ""
    return f"{entry.location}: {entry.title!r}: {entry.reason}{detail}"
