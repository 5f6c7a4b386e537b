"""The site for which commands read feeds."""

import dataclasses
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.cli.common import DEFAULT_INI, feed_options, load_config
from streaming_system.cli.event_option import load_selected_settings
from streaming_system.config import ConferenceConfig
from streaming_system.schedule_import.feed_reader import (
    FeedReaderOptions,
    ParsedFeed,
    fetch_and_parse,
)
from streaming_system.schedule_import.room_feeds import (
    default_room_names,
    is_feed_of,
    rooms_of_feed,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FeedSite:
    """How a site reads feeds.

    :param config: ``None`` without a configuration: only built-in parsers are used.
    """

    options: FeedReaderOptions
    config: ConferenceConfig | None = None

    def fetch_and_parse(
        self, source: str, timezone: ZoneInfo | None, format_: str = ""
    ) -> ParsedFeed:
        """Fetch and parse a feed as the import does, for the rooms that use it.

        :param timezone: instead of the configured zone.
        :param format_: instead of the configured parser.
        """
        rooms = rooms_of_feed(self.config, source) if self.config else []
        if rooms and is_feed_of(rooms[0], source):
            format_ = format_ or self.options.format
            timezone = timezone or rooms[0].schedule_timezone
        options = dataclasses.replace(self.options, format=format_)
        return fetch_and_parse(source, options, timezone, default_room_names(rooms))


def load_feed_site(ini: Path) -> FeedSite:
    """Load the ini and the configuration; without the default ini, there is no configuration."""
    if not ini.is_file() and str(ini) == DEFAULT_INI:
        return FeedSite(options=feed_options({}))
    settings = load_selected_settings(ini)
    config = load_config(settings)
    return FeedSite(options=feed_options(settings, config.site), config=config)
