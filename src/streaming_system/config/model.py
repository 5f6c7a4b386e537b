"""The types of a validated configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from zoneinfo import ZoneInfo

from streaming_system.config.relive_source import ReliveSource

EXAMPLE_SECRET = "move me to config.private.json"  # noqa: S105 - This secret is public.
# The title of the site in the example config.json.
DEFAULT_TITLE = "Unknown stream"
DEFAULT_HLS_PLAYLIST = "stream.m3u8"


LocalNetwork = IPv4Network | IPv6Network


class ConfigError(Exception):
    """An invalid configuration.

    :ivar lines: the problems, one line each: file, position, room, key and what to do.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class LocalizedText:
    """A text in several languages.

    :param texts: by BCP 47 tag; one or more.
    :param default_language: the language of viewers whose language it does not have. Without a text
        in that, they get the English one, or the first.
    """

    texts: Mapping[str, str]
    default_language: str = "en"

    def get(self, tag: str) -> str:
        """Return the text in a language; a text in ``pt`` is one for ``pt-BR`` as well."""
        by_tag = {known.lower(): text for known, text in self.texts.items()}
        for wanted in (tag, tag.partition("-")[0], self.default_language, "en"):
            if (text := by_tag.get(wanted.lower())) is not None:
                return text
        return next(iter(self.texts.values()))


@dataclass(frozen=True, kw_only=True)
class Region:
    """Viewers that should be assigned to some endpoints.

    A viewer belongs to the region if one of ``networks`` contains its address, or if its country
    or continent (ISO 3166, or MaxMind's two letters) is one of ``places``.

    :param prefer: the regions and tags of those endpoints.
    """

    name: str
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    places: frozenset[str] = frozenset()
    prefer: tuple[str, ...] = ()

    def contains(self, address: IPv4Address | IPv6Address) -> bool:
        """Return whether an address is in one of the networks."""
        return any(address in network for network in self.networks)


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """A stream for viewers that the room's own endpoints cannot serve.

    :param kind: ``group`` (the endpoints of another room or group), ``url``, ``youtube`` or
        ``iframe``.
    :param value: the group, the base URL of the streams, the video id, or the URL of the page
        with the player.
    """

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class TimedSource:
    """An external stream of a room with start and end times (UTC).

    :param kind: ``url``, ``youtube`` or ``iframe``; ``value`` is as in :class:`Fallback`.
    :param start: ``None``: it has always been active.
    :param until: ``None``: it is active until the next source starts.
    """

    kind: str
    value: str
    start: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MastodonFeed:
    """The posts about a room: the origin of a Mastodon server, and a hashtag without ``#``."""

    server: str
    hashtag: str


@dataclass(frozen=True, kw_only=True)
class SiteConfig:
    """The settings of the whole site: the object ``config``.

    :param secret: the shared secret with which agents register; "" if none is set.
    :param localips: networks of the venue, and regular expressions that match their addresses.
    :param reload: seconds after which a page without JavaScript reloads; 0 for never.
    :param groups: fallback groups, for which endpoints can register as for rooms.
    :param regions: the regions of viewers; the first match wins.
    :param hls_playlist: path of the HLS playlist below an endpoint's base URL; ``{room}`` is
        replaced by the room's id.
    :param schedule_format: the name of the feed parser; "" to detect it.
    :param schedule_url: the feed of every room that has none of its own.
    :param schedule_columns: for a feed that is a table, the column of each field.
    :param schedule_room_default: the value of every room without one of its own.
    :param languages: the languages of the pages in order, as BCP 47 tags, the default one first;
        empty for all languages, with English as the default.
    :param embed: the origins whose pages may frame the player; ``*`` for all.
    :param theme: a built-in theme's name, an absolute path, or "" for the default look.
    """

    secret: str
    localips: tuple[LocalNetwork | re.Pattern[str], ...] = ()
    reload: int = 600
    groups: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    hls_playlist: str = DEFAULT_HLS_PLAYLIST
    schedule_format: str = ""
    schedule_url: str = ""
    schedule_columns: Mapping[str, str] = field(default_factory=dict)
    schedule_room_default: str = ""
    schedule_timezone: ZoneInfo | None = None
    languages: tuple[str, ...] = ()
    embed: tuple[str, ...] = ()
    theme: str = ""

    def is_local(self, address: str) -> bool:
        """Return whether a viewer with this address is in the venue."""
        return any(
            pattern.match(address)
            if isinstance(pattern, re.Pattern)
            else _contains(pattern, address)
            for pattern in self.localips
        )


def _contains(network: LocalNetwork, text: str) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address) in network


@dataclass(frozen=True, kw_only=True)
class Room:
    """A room of the conference; values that it does not set come from ``default``.

    Texts that the configuration omits or sets to ``false`` are "".

    :param id: the room's path on the site, and its "group" in the legacy protocol.
    :param former_ids: ids or names that the room had before; their addresses lead to the room.
    :param conference: the name of the event.
    :param schedule: the schedule feed: a URL, an absolute path, or "" for none.
    :param schedule_key: the room's name in the feed.
    :param schedule_see_also: other rooms of the feed whose talks are shown here, too.
    :param schedule_room_default: the room of the feed's talks that name none: one of its
        :attr:`names`, "" if there is none.
    :param schedule_timezone: the room's time zone; ``None`` for that of the feed.
    :param youtube: the id of a YouTube video; a room with a video always counts as live.
    :param fallbacks: in order of preference.
    :param sources: in chronological order; an active source replaces endpoints, ``youtube`` and
        ``fallbacks``.
    :param recordings: the URL of the event's recordings.
    :param recordings_list: a list of the recordings of talks: a URL, an absolute path, or "".
    :param relive: where talks that have ended can be watched again.
    :param webchat: the URL template of an IRC client; ``None`` for the network's default client,
        "" for none.
    :param matrix: the alias or id of a Matrix room.
    :param chat: the URL template of another chat.
    :param posts: the posts about the room.
    :param feedback: the URL template of the feedback form of a talk, or ``internal`` for the
        site's own form.
    :param message: a line for the viewers of the room.
    :param closed: whether the room has no streams for viewers, even while endpoints serve it.
    :param translations: the texts of ``title`` and ``conference`` by key and language, if they
        differ by language. The attributes have those of the default language.
    """

    id: str
    title: str
    former_ids: tuple[str, ...] = ()
    conference: str = ""
    link: str = ""
    logo: str = ""
    twitter: str = ""
    twitter_announce: str = ""
    ircnetwork: str = ""
    ircchannel: str = ""
    channel: str = ""
    irclog: str = ""
    preview: str = ""
    schedule: str = ""
    schedule_key: str = ""
    schedule_see_also: tuple[str, ...] = ()
    schedule_room_default: str = ""
    schedule_timezone: ZoneInfo | None = None
    youtube: str = ""
    fallbacks: tuple[Fallback, ...] = ()
    sources: tuple[TimedSource, ...] = ()
    recordings: str = ""
    recordings_list: str = ""
    relive: ReliveSource | None = None
    webchat: str | None = None
    matrix: str = ""
    chat: str = ""
    posts: MastodonFeed | None = None
    feedback: str = ""
    message: str = ""
    closed: bool = False
    translations: Mapping[str, LocalizedText] = field(default_factory=dict)

    def in_language(self, tag: str) -> "Room":
        """Return the room with its texts in a language, or in the default one."""
        title, conference = map(self.translations.get, ("title", "conference"))
        return replace(
            self,
            title=title.get(tag) if title else self.title,
            conference=conference.get(tag) if conference else self.conference,
        )

    @property
    def names(self) -> frozenset[str]:
        """The names by which the configuration can refer to the room."""
        return frozenset({self.id, *self.titles, self.schedule_key} - {""})

    @property
    def titles(self) -> tuple[str, ...]:
        """The title in all languages, that of the default language first."""
        translated = self.translations.get("title")
        return tuple(
            dict.fromkeys((self.title, *(translated.texts.values() if translated else ())))
        )


@dataclass(frozen=True, kw_only=True)
class ConferenceConfig:
    """The validated configuration.

    :param rooms: by room id, in the order of the configuration.
    :param default: the values of a room that sets none; its title is the name of the site.
    :param warnings: problems that organisers should know about, but that stop nothing.
    """

    site: SiteConfig
    default: Room
    rooms: Mapping[str, Room]
    warnings: tuple[str, ...] = ()

    def in_language(self, tag: str) -> "ConferenceConfig":
        """Return the configuration with its texts in a language, or in the default one."""
        if not any(room.translations for room in (self.default, *self.rooms.values())):
            return self
        return replace(
            self,
            default=self.default.in_language(tag),
            rooms={room.id: room.in_language(tag) for room in self.rooms.values()},
        )

    @property
    def title(self) -> str:
        """The name of the site: the configured one, else the names of the events; "" for none."""
        if self.default.title not in ("default", DEFAULT_TITLE):
            return self.default.title
        events = dict.fromkeys(room.conference for room in self.rooms.values())
        return ", ".join(filter(None, events))

    @property
    def groups(self) -> tuple[str, ...]:
        """The names that endpoints can register for: rooms and fallback groups."""
        return (*self.rooms, *self.site.groups)
