"""The command `streaming-system schedule follow`, for hosts that have the schedule from another."""

import itertools
import logging
import time
from pathlib import Path
from urllib.parse import urlsplit

import click

from streaming_system.cli.common import feed_options, one_line_errors
from streaming_system.config.ini import SettingsError, load_app_settings, require
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.schedule_import.mirror import ScheduleMirror
from streaming_system.schedule_import.poll import PollInterval, poll_feeds

# A host that was away is asked again soon after it is back.
MAX_BACKOFF = 60.0


@click.command()
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="How long to wait between two looks; a fifth more or less, and up to a minute after "
    "failures.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N looks.")
@click.option(
    "--accept-older", is_flag=True, help="Take a schedule that was imported before the one here."
)
@click.pass_obj
def follow(
    ini: Path, url: str | None, interval: float, count: int | None, accept_older: bool
) -> None:
    """Keep the schedule that another host publishes at URL: /schedule/file.json of a frontend.

    Without URL, the ini's schedule.follow says it. Whatever is not a whole, newer schedule of that
    host changes nothing here. With --count, exit status 1 says that the last look failed.
    """
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        target = Path(require(settings, "schedule.file"))
        url = url or require(settings, "schedule.follow")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise SettingsError(
                f"{url!r} is no address to follow; allowed: http:// or https:// with a host"
            )
        follower = ScheduleMirror(
            url, target, limit=feed_options(settings).limits.download, accept_older=accept_older
        )
        push = PageEventPublisher(settings.get("push.url", ""))
    well = True

    def look() -> bool:
        nonlocal well
        before = follower.taken
        well = follower.look()
        if follower.taken is not before:
            push.publish("schedule")
        return well

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    rounds = itertools.count() if count is None else iter(range(count))
    poll_feeds(look, PollInterval(interval=interval, longest=MAX_BACKOFF), time.sleep, rounds)
    if not well:
        raise click.exceptions.Exit(1)
