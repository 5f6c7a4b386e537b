"""The keys of the object ``config``."""

import colander

from streaming_system.config.field_types import (
    ColumnMapType,
    ConfigFieldType,
    GroupListType,
    HlsPlaylistType,
    LocalAddressListType,
    OriginListType,
    SecretType,
    TimeZoneType,
)
from streaming_system.config.localized_types import LanguageListType
from streaming_system.config.model import DEFAULT_HLS_PLAYLIST
from streaming_system.config.schema_keys import FEED, THEME, key, text_key
from streaming_system.config.stream_types import RegionMapType
from streaming_system.util.validation import Integer

_RELOAD_SECONDS = Integer(0, 86400, allowed="a whole number of seconds, 0 to 86400")


class SiteConfigSchema(colander.Schema):
    """The object ``config``."""

    secret = key(
        SecretType(),
        "what encoders send to register. Make it long and random: "
        "`python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`. In production, the "
        "tracker refuses to start with the example's. A machine with the frontend alone needs "
        "none.",
        missing="",
    )
    localips = key(
        LocalAddressListType(),
        "addresses of the venue: networks, or regular expressions that are matched from the start. "
        "Viewers from there get the in-room page.",
        ["192.0.2.0/24", "2001:db8::/32", "^198\\.51\\.100\\."],
        missing=(),
    )
    reload = key(
        ConfigFieldType(_RELOAD_SECONDS),
        "seconds after which a page without JavaScript reloads itself, 0 to 86400; default: 600",
        600,
        missing=600,
    )
    groups = key(
        GroupListType(),
        "a list of fallback groups: names, other than the rooms', for which endpoints may register",
        ["overflow"],
        missing=(),
    )
    hls_playlist = key(
        HlsPlaylistType(),
        "the path of a room's HLS playlist below a server's base URL; `{room}` in it stands for "
        f"the room's id; default: `{DEFAULT_HLS_PLAYLIST}`",
        DEFAULT_HLS_PLAYLIST,
        "{room}/index.m3u8",
        name="hls-playlist",
        missing=DEFAULT_HLS_PLAYLIST,
    )
    regions = key(
        RegionMapType(),
        "regions of viewers and the endpoints that serve them best; see below",
        {"europe": {"places": ["EU", "CH"], "prefer": ["eu", "cdn"]}},
        missing=(),
    )
    schedule_format = text_key(
        "the parser to use, by name (`streaming-system schedule formats` lists them); without it "
        "the format is detected",
        "our-conference",
        name="schedule-format",
    )
    schedule_columns = key(
        ColumnMapType(),
        "for a table with commas, semicolons or tabs (`schedule-format` is `csv`): which column "
        'holds what, such as `{"room": "Room", "title": "Title", "date": "Day", "start": "From", '
        '"end": "To", "date-format": "%d.%m.%Y"}`',
        {"room": "Room", "title": "Title", "date": "Day", "start": "From", "end": "To"},
        name="schedule-columns",
        missing={},
    )
    schedule_url = text_key(
        "the feed of every room without one of its own",
        "https://example.org/schedule.xml",
        name="schedule-url",
        field=FEED,
    )
    schedule_room_default = text_key(
        "the same key for rooms without one", "Main Hall", name="schedule-room-default"
    )
    schedule_timezone = key(
        TimeZoneType(),
        "the time zone of rooms without one",
        "Europe/Berlin",
        name="schedule-timezone",
        missing=None,
    )
    languages = key(
        LanguageListType(),
        'the languages of the pages, in the order of the switch: `["de", "en"]`. The first one is '
        "for viewers whose browser asks for none of them, and for feeds and exports. Default: all "
        "with a [catalogue](../how-to/languages.md), and English",
        ["de", "en"],
        missing=(),
    )
    embed = key(
        OriginListType(),
        'the sites that may embed rooms\' players: a list such as `["https://blog.example.org", '
        '"https://*.example.com"]`, or `"*"` for all; default: none. Room pages then offer the '
        "code for it.",
        ["https://blog.example.org", "https://*.example.com"],
        "*",
        missing=(),
    )
    theme = text_key(
        "the look of the pages: `festival`, `institute` or `terminal`, or the path of a folder, "
        "relative to the file that names it, such as `./theme`: [themes.md](../how-to/themes.md)",
        "festival",
        "./theme",
        field=THEME,
    )
