"""The schemas of config.json and config.private.json: every key and its type."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import colander

from streaming_system.config.field_types import (
    ColumnMapType,
    ConfigFieldType,
    GroupListType,
    HlsPlaylistType,
    LanguageListType,
    LocalizedTextType,
    OriginListType,
    RegexListType,
    TextListType,
    TextType,
    TimeZoneType,
    ValidatedType,
)
from streaming_system.config.model import DEFAULT_HLS_PLAYLIST
from streaming_system.config.social import (
    url_template_validator,
    validate_matrix_alias,
    validate_posts,
)
from streaming_system.config.stream_types import (
    ALLOWED_VIDEO_ID,
    LABEL_PATTERN,
    VIDEO_ID_PATTERN,
    FallbackListType,
    RegionMapType,
    TimedSourceListType,
)
from streaming_system.util.validation import Flag, Integer, PrintableText, describe_invalid

_RELOAD_SECONDS = Integer(0, 86400, allowed="a whole number of seconds, 0 to 86400")

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


def _validate_web_address(node: colander.SchemaNode, value: str) -> None:
    """Reject URLs that a page must not link to, such as javascript:."""
    try:
        scheme = urlsplit(value).scheme
    except ValueError:
        scheme = "?"
    if scheme not in ("", "http", "https"):
        raise colander.Invalid(node, describe_invalid(value, "an http(s) address or a path"))


def _validate_feed(node: colander.SchemaNode, value: str) -> None:
    try:
        parts = urlsplit(value)
        valid = not parts.scheme or (parts.scheme in ("http", "https") and bool(parts.netloc))
    except ValueError:
        valid = False
    if not valid:
        allowed = "an http:// or https:// address, or a path"
        raise colander.Invalid(node, describe_invalid(value, allowed))


def _validate_theme(node: colander.SchemaNode, value: str) -> None:
    is_path = re.search(r"[/.]", value)
    if "\0" in value or (value and not is_path and not LABEL_PATTERN.fullmatch(value)):
        allowed = "a built-in theme's name, or a path such as ./theme"
        raise colander.Invalid(node, describe_invalid(value, allowed))


def _validate_video_id(node: colander.SchemaNode, value: str) -> None:
    if value and not VIDEO_ID_PATTERN.fullmatch(value):
        allowed = f"{ALLOWED_VIDEO_ID}, or false"
        raise colander.Invalid(node, describe_invalid(value, allowed))


def _validate_title(node: colander.SchemaNode, value: str | Mapping[str, str]) -> None:
    for text in (value,) if isinstance(value, str) else value.values():
        ConfigFieldType(PrintableText(200)).parse(node, text)


def _validate_message(node: colander.SchemaNode, value: str) -> None:
    if value:
        ConfigFieldType(PrintableText(MAX_MESSAGE_CHARS)).parse(node, value)


def _text_node(name: str, validator: Any = None) -> colander.SchemaNode:
    return colander.SchemaNode(TextType(), name=name, missing="", validator=validator)


def _validated_node(convert: Callable[[Any], Any], missing: Any = "") -> colander.SchemaNode:
    return colander.SchemaNode(ValidatedType(convert), missing=missing)


class SiteConfigSchema(colander.Schema):
    """The object ``config``."""

    secret = _text_node("secret")
    localips = colander.SchemaNode(RegexListType(), missing=())
    reload = colander.SchemaNode(ConfigFieldType(_RELOAD_SECONDS), missing=600)
    groups = colander.SchemaNode(GroupListType(), missing=())
    hls_playlist = colander.SchemaNode(
        HlsPlaylistType(), name="hls-playlist", missing=DEFAULT_HLS_PLAYLIST
    )
    regions = colander.SchemaNode(RegionMapType(), missing=())
    schedule_format = _text_node("schedule-format")
    schedule_url = _text_node("schedule-url", _validate_feed)
    schedule_columns = colander.SchemaNode(ColumnMapType(), name="schedule-columns", missing={})
    schedule_room_default = _text_node("schedule-room-default")
    schedule_timezone = colander.SchemaNode(TimeZoneType(), name="schedule-timezone", missing=None)
    languages = colander.SchemaNode(LanguageListType(), missing=())
    embed = colander.SchemaNode(OriginListType(), missing=())
    theme = _text_node("theme", _validate_theme)


class RoomConfigSchema(colander.Schema):
    """The object ``default``, and the object of each room."""

    title = colander.SchemaNode(LocalizedTextType(), validator=_validate_title)
    conference = colander.SchemaNode(LocalizedTextType(), missing="")
    link = _text_node("link", _validate_web_address)
    logo = _text_node("logo", _validate_web_address)
    twitter = _text_node("twitter")
    twitter_announce = _text_node("twitter_announce")
    ircnetwork = _text_node("ircnetwork")
    ircchannel = _text_node("ircchannel")
    channel = _text_node("channel")
    irclog = _text_node("irclog", _validate_web_address)
    preview = _text_node("preview", _validate_web_address)
    schedule = _text_node("schedule", _validate_feed)
    schedule_key = _text_node("schedule-key")
    schedule_see_also = colander.SchemaNode(TextListType(), name="schedule-see-also", missing=())
    schedule_room_default = _text_node("schedule-room-default")
    schedule_timezone = colander.SchemaNode(TimeZoneType(), name="schedule-timezone", missing=None)
    youtube = _text_node("youtube", _validate_video_id)
    fallbacks = colander.SchemaNode(FallbackListType(), missing=())
    sources = colander.SchemaNode(TimedSourceListType(), missing=())
    recordings = _text_node("recordings", _validate_web_address)
    webchat = _validated_node(url_template_validator("room", "network", "channel"), missing=None)
    matrix = _validated_node(validate_matrix_alias)
    chat = _validated_node(url_template_validator("room", "network", "channel", "matrix"))
    posts = _validated_node(validate_posts, missing=None)
    message = _text_node("message", _validate_message)
    closed = colander.SchemaNode(ConfigFieldType(Flag()), missing=False)
    feedback = _validated_node(
        url_template_validator("room", "talk", schemes=("https", "http", "mailto"))
    )
