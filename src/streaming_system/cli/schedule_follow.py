"""`streaming-system schedule follow`: copies the schedule of another host."""

import logging
from pathlib import Path
from urllib.parse import urlsplit

import click

from streaming_system.cli.common import feed_options, one_line_errors
from streaming_system.cli.event_option import load_selected_settings
from streaming_system.config.ini import SettingsError, require
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.schedule_import.mirror import ScheduleMirror
from streaming_system.schedule_import.poll import run_poll_loop

# Short, so that the copy is up to date soon after an outage of the other host.
MAX_BACKOFF = 60.0


@click.command()
@click.argument("url", metavar="[URL]", required=False)
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Polling interval, with 20 % jitter; after failures up to a minute.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N polls.")
@click.option(
    "--accept-older", is_flag=True, help="Accept a schedule that is older than the local one."
)
@click.pass_obj
def follow(
    ini: Path, url: str | None, interval: float, count: int | None, accept_older: bool
) -> None:
    """Copy the schedule that another host publishes at URL: /schedule/file.json of a frontend.

    The default of URL is the ini's schedule.follow. The local schedule is replaced only by a
    complete and newer one. With --count, exit status 1 means that the last poll failed.
    """
    with one_line_errors():
        settings = load_selected_settings(ini)
        target = Path(require(settings, "schedule.file"))
        url = url or require(settings, "schedule.follow")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise SettingsError(
                f"{url!r} is no address to follow; allowed: http:// or https:// with a host"
            )
        mirror = ScheduleMirror(
            url,
            target,
            max_bytes=feed_options(settings).limits.max_download_bytes,
            accept_older=accept_older,
        )
        pages = PageEventPublisher(settings.get("push.url", ""))
    succeeded = True

    def poll() -> bool:
        nonlocal succeeded
        previous = mirror.published
        succeeded = mirror.poll()
        if mirror.published is not previous:
            pages.publish("schedule")
        return succeeded

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    run_poll_loop(poll, interval=interval, max_interval=MAX_BACKOFF, count=count)
    if not succeeded:
        raise click.exceptions.Exit(1)
