"""The page of a room: its player, its streams, and the links around them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streaming_system.config import SiteConfig
from streaming_system.frontend.chat import ChatLinks, chat_links
from streaming_system.frontend.feedback import (
    feedback_url,
    has_feedback_form,
    talk_for_feedback,
)
from streaming_system.frontend.room_view import RoomView
from streaming_system.frontend.streams import (
    EmbeddedPlayer,
    StreamFormat,
    StreamLink,
    active_embed,
    active_source_key,
    default_sources,
    embed_origins,
    has_whep,
    pick_endpoint,
    stream_formats,
    stream_links,
)
from streaming_system.frontend.tracker_client import EndpointInfo
from streaming_system.schedule.model import Slot
from streaming_system.schedule.site_links import talk_id


@dataclass(frozen=True, kw_only=True)
class RoomPage:
    """The content of a room's page at one moment.

    :param states: all rooms, for the switcher.
    :param switcher_changes_at: the time at which the switcher changes.
    :param endpoint: the endpoint for this page's viewers.
    :param links: all streams of the endpoint with a URL.
    :param sources: those that the player starts with.
    :param formats: all formats that an endpoint may serve.
    :param embed: the external player.
    :param source_key: see :func:`active_source_key`.
    :param rated_talk: the talk that the feedback link is about.
    """

    state: RoomView
    states: Sequence[RoomView]
    switcher_changes_at: datetime | None
    endpoint: EndpointInfo | None
    links: list[StreamLink]
    sources: list[StreamLink]
    formats: list[StreamFormat]
    embed: EmbeddedPlayer | None
    source_key: str
    chat: ChatLinks
    rated_talk: Slot | None

    @property
    def has_player(self) -> bool:
        """Whether the page's player can play a stream of the endpoint."""
        return bool(self.sources) or has_whep(self.endpoint)

    @property
    def feedback_url(self) -> str:
        """The URL of the feedback form; "" without one."""
        if self.rated_talk is None:
            return ""
        return feedback_url(self.state.room, self.rated_talk, self.state.now)

    @property
    def rated_talk_id(self) -> str:
        """The id of the talk that the page has the site's own form for; "" without the form."""
        room, talk, now = self.state.room, self.rated_talk, self.state.now
        return talk_id(talk) if talk and has_feedback_form(room, talk, now) else ""

    @property
    def next_talk_id(self) -> str:
        """The id of the talk that viewers can be reminded of; "" without one."""
        return talk_id(self.state.next_talk) if self.state.next_talk else ""

    @property
    def frame_urls(self) -> list[str]:
        """The URLs of all external players and chats that the page may frame."""
        return [*embed_origins(self.state.room), *filter(None, [self.chat.web_url])]

    @property
    def equivalent_endpoint_urls(self) -> str:
        """The URLs of all endpoints of the room, one of which the page contains."""
        endpoints = self.state.status.endpoints if self.state.status else ()
        return " ".join(sorted(endpoint.url for endpoint in endpoints))


def build_room_page(
    room_id: str, states: Sequence[RoomView], site: SiteConfig, random_source: random.Random
) -> RoomPage:
    """Return the page of a room for one viewer.

    :param states: all rooms at the moment of the page.
    """
    state = next(state for state in states if state.room.id == room_id)
    formats = stream_formats(site, state.room)
    endpoint = pick_endpoint(state.room, state.status, state.now, random_source)
    links = stream_links(endpoint, formats)
    return RoomPage(
        state=state,
        states=states,
        switcher_changes_at=min((s.changes_at for s in states if s.changes_at), default=None),
        endpoint=endpoint,
        links=links,
        sources=default_sources(links),
        formats=formats,
        embed=active_embed(state.room, state.now),
        source_key=active_source_key(state.room, state.now),
        chat=chat_links(state.room),
        rated_talk=talk_for_feedback(state),
    )
