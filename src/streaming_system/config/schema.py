"""The schemas of config.json and config.private.json: every key, its type and its meaning.

The loader, the JSON Schema and the tables in docs/reference/configuration.md share them.
"""

from typing import Any

import colander

from streaming_system.config.field_types import (
    ConfigFieldType,
    TextListType,
    TimeZoneType,
    ValidatedType,
)
from streaming_system.config.localized_types import LocalizedTextType
from streaming_system.config.relive_types import ReliveSourceType
from streaming_system.config.schema_keys import FEED, VIDEO_ID, key, text_key, url_template_key
from streaming_system.config.site_schema import SiteConfigSchema
from streaming_system.config.social import (
    INTERNAL_FEEDBACK,
    MATRIX_SCHEMA,
    POSTS_SCHEMA,
    validate_matrix_alias,
    validate_posts,
)
from streaming_system.config.stream_types import FallbackListType, TimedSourceListType
from streaming_system.util.validation import Flag, PrintableText, WebAddress

__all__ = ["RETIRED_KEYS", "RoomConfigSchema", "SiteConfigSchema"]

# A message is one line above the player.
MAX_MESSAGE_CHARS = 300

_NO_FLUMOTION = "has no effect: pages do not use Flumotion"

# Keys of the original site's configurations. They are accepted and ignored.
RETIRED_KEYS = {
    "flumotion": _NO_FLUMOTION,
    "flumotion-collector": _NO_FLUMOTION,
    "flumotion-encoder": _NO_FLUMOTION,
    "flumotion-mixer": _NO_FLUMOTION,
    "flumotion-password": _NO_FLUMOTION,
    "flumotion-salt": _NO_FLUMOTION,
    "flumotion-user": _NO_FLUMOTION,
    "justintv_user": "has no effect: the service has closed",
    "twitter_geo": "has no effect: pages search no tweets",
}


class TitleType(LocalizedTextType):
    """A text that is not empty, or one per language."""

    _title = ConfigFieldType(PrintableText(200))

    def parse(self, node: colander.SchemaNode, value: Any) -> Any:
        texts = super().parse(node, value)
        for text in texts.values() if isinstance(texts, dict) else (texts,):
            self._title.parse(node, text)
        return texts

    def json_schema(self) -> dict[str, Any]:
        *_, texts = super().json_schema()["anyOf"]
        return {"anyOf": [self._title.json_schema(), texts]}


class RoomConfigSchema(colander.Schema):
    """The object ``default``, and the object of each room."""

    title = key(
        TitleType(),
        "the name of the room; in `default`, the name of the site. One text, or one per language. "
        "Feeds, exports and the tracker have that of the default language.",
        "Main Hall",
        {"en": "Great Hall", "de": "Großer Saal"},
    )
    former_ids = key(
        TextListType(),
        "ids or names that the room had before: their addresses lead to the room. Names of other "
        "spelling (`/Main%20Hall`, `/HALL`) need no entry.",
        ["saal1", "Old Hall"],
        name="former-ids",
        missing=(),
    )
    conference = key(
        LocalizedTextType(),
        "the event, as one text or one per language; rooms of one event begin and end together",
        "Example Conf 2026",
        missing="",
    )
    link = text_key("the event's website", "https://example.org/", field=WebAddress())
    logo = text_key(
        "a picture for the event's heading: an address, or a path on this site",
        "/brand/logo",
        field=WebAddress(),
    )
    schedule = text_key(
        "the room's feed: an `http(s)://` URL, or a path relative to the file that names it",
        "https://example.org/schedule.xml",
        field=FEED,
    )
    schedule_key = text_key(
        "the room's name in the feed; without it, the import searches for the title, then the id",
        "Main Hall",
        name="schedule-key",
    )
    schedule_see_also = key(
        TextListType(),
        "other rooms in the feed (a name or a list) whose talks are shown here too, such as the "
        "plenary, with the room they happen in",
        ["Plenary"],
        name="schedule-see-also",
        missing=(),
    )
    schedule_room_default = text_key(
        "the room that gets the talks of the feed that name no room: the id, title or "
        "`schedule-key` of a room with this feed. A feed that only one room uses needs no key: "
        "that room gets them.",
        "Main Hall",
        name="schedule-room-default",
    )
    schedule_timezone = key(
        TimeZoneType(),
        "the time zone of the room, such as `Europe/Berlin`. Also the zone of times in the feed "
        "without an offset, unless the feed names its own.",
        "Europe/Berlin",
        name="schedule-timezone",
        missing=None,
    )
    ircnetwork = text_key("the IRC network of the chat", "irc.libera.chat")
    ircchannel = text_key("the IRC channel of the chat", "#ourconf-%(group)s")
    channel = text_key("the older name of `ircchannel`", "#ourconf")
    irclog = text_key(
        "the log of the chat", "https://logs.example.org/ourconf.html", field=WebAddress()
    )
    twitter = text_key(
        "a link to a Twitter search. If it has a hashtag, that is also the one for `posts`, unless "
        "`posts` names one.",
        "@ourconf OR #ourconf",
    )
    twitter_announce = text_key(
        "the account for announcements: `@user@host` for one in the fediverse, `@user` for Twitter",
        "@ourconf@mastodon.social",
    )
    preview = text_key(
        "the URL of a thumbnail of the room; without it, the "
        "[pictures that encoders write](pages.md#preview-pictures)",
        "https://cdn.example.org/%(group)s.jpg",
        field=WebAddress(),
    )
    youtube = text_key(
        "the id of a YouTube stream; such a room always counts as live. Nothing is loaded from "
        "YouTube until a viewer clicks.",
        "dQw4w9WgXcQ",
        field=VIDEO_ID,
    )
    fallbacks = key(
        FallbackListType(),
        "where viewers go if the room's endpoints are missing or full, a list in order: "
        '`"group:NAME"` (the endpoints of another room or of one of the `groups`), `"https://…"` '
        '([an address of streams](#addresses-of-streams)), `"youtube:ID"`',
        ["group:overflow", "https://cdn.example.org/{room}/", "youtube:dQw4w9WgXcQ"],
        missing=(),
    )
    webchat = url_template_key(
        "the IRC web client, an https URL with `{network}`, `{channel}` (without its `#`) and "
        "`{room}` in it. Default: that of libera.chat, hackint or OFTC itself, KiwiIRC for other "
        "networks; `false` for none.",
        "https://chat.example.org/?channel={channel}",
        False,
        placeholders=("room", "network", "channel"),
        missing=None,
    )
    matrix = key(
        ValidatedType(validate_matrix_alias, MATRIX_SCHEMA),
        "a Matrix room, such as `#ourconf:matrix.org`; becomes a link to `matrix.to`",
        "#ourconf:matrix.org",
        missing="",
    )
    chat = url_template_key(
        "any other chat that allows framing, an https URL with `{room}`, `{network}`, `{channel}` "
        "and `{matrix}` in it; it replaces the IRC client",
        "https://chat.example.org/{room}",
        placeholders=("room", "network", "channel", "matrix"),
    )
    posts = key(
        ValidatedType(validate_posts, POSTS_SCHEMA),
        'posts about the room from a Mastodon server: `"#ourconf@mastodon.social"`, or '
        '`{"server": "https://mastodon.social", "hashtag": "ourconf"}`, or the server alone if '
        "`twitter` has the hashtag. The site fetches them, not the viewers: "
        "[details](pages.md#beside-the-player).",
        "#ourconf@mastodon.social",
        missing=None,
    )
    feedback = url_template_key(
        "where viewers send feedback on a talk: a URL with `{room}` and `{talk}` (the talk's id on "
        "this site) in it, `mailto:team@example.org?subject={talk}`, or `internal` for "
        "[the site's own form](pages.md#feedback)",
        "https://feedback.example.org/{talk}",
        INTERNAL_FEEDBACK,
        placeholders=("room", "talk"),
        schemes=("https", "http", "mailto"),
        words=(INTERNAL_FEEDBACK,),
    )
    sources = key(
        TimedSourceListType(),
        "timed sources of the room; see [below](#sources-with-times)",
        [{"from": "2026-11-25T09:00", "youtube": "dQw4w9WgXcQ"}],
        missing=(),
    )
    message = text_key(
        f"one line above the player, such as for a break; at most {MAX_MESSAGE_CHARS} characters",
        "We are back at 14:00.",
        field=PrintableText(MAX_MESSAGE_CHARS),
    )
    closed = key(
        ConfigFieldType(Flag()),
        "`true` closes the room: its page shows no player, and viewers get no stream",
        True,
        missing=False,
    )
    recordings = text_key(
        "the URL of the event's recordings; the index links to it after the event",
        "https://media.example.org/c/ourconf",
        field=WebAddress("absolute"),
    )
    recordings_list = text_key(
        "a list of the recordings of talks, to which their pages lead: an `http(s)://` URL, or a "
        "path relative to the file that names it. "
        "[Formats](../how-to/recordings.md)",
        "https://api.media.ccc.de/public/conferences/ourconf2026",
        name="recordings-list",
        field=FEED,
    )
    relive = key(
        ReliveSourceType(),
        "where talks that have ended can be watched again until their recordings are published: an "
        "object with `hls`, `mediamtx`, `files` or `index`. "
        "[Sources](../how-to/watching-again.md#from-the-beginning)",
        {"hls": "https://cdn.example.org/{room}/dvr.m3u8"},
        {"mediamtx": "https://media.example.org:9996/", "path": "{room}"},
        missing=None,
    )
