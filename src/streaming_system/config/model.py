"""The values of a checked configuration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from zoneinfo import ZoneInfo

EXAMPLE_SECRET = "move me to config.private.json"  # noqa: S105 - Everyone may know this one.
DEFAULT_HLS_PLAYLIST = "stream.m3u8"


@dataclass(frozen=True, kw_only=True)
class Region:
    """Viewers who are best served by some endpoints.

    A viewer belongs to it whose address is in one of ``networks``, or whose country or continent
    (ISO 3166 or the two letters of MaxMind's) is one of ``places``.

    :param prefer: the regions and tags of those endpoints.
    """

    name: str
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    places: frozenset[str] = frozenset()
    prefer: tuple[str, ...] = ()

    def has(self, address: IPv4Address | IPv6Address) -> bool:
        """Tell whether an address is in one of the networks."""
        return any(address in network for network in self.networks)


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """What viewers of a room get when its own endpoints cannot take them.

    :param kind: ``group`` (the endpoints of another room or group), ``url``, ``youtube``, or
        ``iframe``.
    :param value: the group, the base URL of the streams, the id of the video, or the address of
        the page with the player.
    """

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class TimedSource:
    """Where a room is to be watched from one moment until another (UTC).

    :param kind: ``url``, ``youtube`` or ``iframe``; ``value`` is as a fallback's.
    :param start: ``None``: it has always been on.
    :param until: ``None``: until the next one begins.
    """

    kind: str
    value: str
    start: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class MastodonFeed:
    """Where posts about a room are asked for: a Mastodon server's origin, and a hashtag's name."""

    server: str
    hashtag: str


@dataclass(frozen=True, kw_only=True)
class SiteConfig:
    """What holds for the whole site: the ``config`` object.

    :param secret: what encoders show to register; "" where none is set.
    :param localips: addresses of the venue, as patterns to ``match`` against a viewer's address.
    :param reload: seconds after which a page that cannot update itself reloads; 0 for never.
    :param groups: names besides the rooms' that endpoints may register for, to stand in for others.
    :param regions: where viewers may be, the first that fits counts.
    :param hls_playlist: where an endpoint has its HLS playlist, below its base URL; ``{room}`` in
        it stands for the room's id.
    :param schedule_format: the parser to use, by name; "" to recognise the feed.
    :param schedule_url: the feed of every room that names none of its own.
    :param schedule_columns: for a feed that is a table, the column that holds each thing.
    :param embed: the origins whose pages may frame the player, ``*`` for all.
    :param theme: how the pages look: a built-in theme's name, an absolute path, or "" for ours.
    """

    secret: str
    localips: tuple[re.Pattern[str], ...] = ()
    reload: int = 600
    groups: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    hls_playlist: str = DEFAULT_HLS_PLAYLIST
    schedule_format: str = ""
    schedule_url: str = ""
    schedule_columns: Mapping[str, str] = field(default_factory=dict)
    schedule_timezone: ZoneInfo | None = None
    embed: tuple[str, ...] = ()
    theme: str = ""

    def is_local(self, address: str) -> bool:
        """Tell whether a viewer with this address is in the venue."""
        return any(pattern.match(address) for pattern in self.localips)


@dataclass(frozen=True, kw_only=True)
class Room:
    """A room of the conference, with the values of ``default`` where it has none of its own.

    Texts that the configuration gives as ``false`` or leaves out are "".

    :param id: its address on the site and the old protocol's "group".
    :param conference: the event it belongs to, for people to read.
    :param schedule: where its programme comes from: a URL, an absolute path, or "" for none.
    :param schedule_key: its name in the feed.
    :param schedule_see_also: names of other rooms in the feed whose talks are shown here too.
    :param schedule_timezone: the zone its people live by; ``None`` to take the feed's.
    :param youtube: the id of a YouTube video; such a room always counts as live.
    :param fallbacks: in the order in which they are tried.
    :param sources: in order of time; while one is on, it stands for endpoints, ``youtube`` and
        ``fallbacks``.
    :param recordings: where the event's recordings are.
    :param webchat: the address of an IRC client, a template; ``None`` for the network's usual one,
        "" for none.
    :param matrix: the alias or id of a Matrix room.
    :param chat: the address of any other chat, a template.
    :param posts: where posts about it are asked for.
    :param feedback: where viewers say what they think of a talk, a template.
    """

    id: str
    title: str
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
    schedule_timezone: ZoneInfo | None = None
    youtube: str = ""
    fallbacks: tuple[Fallback, ...] = ()
    flumotion: bool = False
    flumotion_collector: str = ""
    flumotion_encoder: str = ""
    flumotion_mixer: str = ""
    flumotion_user: str = ""
    flumotion_password: str = ""
    flumotion_salt: str = ""
    sources: tuple[TimedSource, ...] = ()
    recordings: str = ""
    webchat: str | None = None
    matrix: str = ""
    chat: str = ""
    posts: MastodonFeed | None = None
    feedback: str = ""


@dataclass(frozen=True, kw_only=True)
class ConferenceConfig:
    """The checked configuration.

    :param rooms: by room id, in alphabetical order of the ids.
    :param default: the values that a room has when it sets none; its title names the whole site.
    :param warnings: what an organiser should know, though nothing stops.
    """

    site: SiteConfig
    default: Room
    rooms: Mapping[str, Room]
    warnings: tuple[str, ...] = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """What endpoints may register for: the rooms, and groups that stand in for them."""
        return (*self.rooms, *self.site.groups)
