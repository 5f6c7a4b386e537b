"""What a view can ask of its request."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound

from streaming_system.config import ConferenceConfig, Room
from streaming_system.frontend.formatting import noted
from streaming_system.frontend.previews import FORMATS
from streaming_system.frontend.schedule_page.schedule_view import talk_id
from streaming_system.schedule.model import Slot

# What config.json calls a stream that nobody has named.
DEFAULT_TITLE = "Unknown stream"
# What a site is called that nobody has given a name.
FALLBACK_TITLE = noted("Live streams")
MAX_CLOCK_DELTA = timedelta(days=3660)


def includeme(config: Any) -> None:
    """Add the properties."""
    config.add_request_method(_now, "now", reify=True)
    config.add_request_method(_room, "room", reify=True)
    config.add_request_method(
        lambda request: request.registry.settings["conference"], "conference", reify=True
    )
    config.add_request_method(
        lambda request: request.registry["schedule"].current(), "schedule", reify=True
    )
    config.add_request_method(_talk_path, "talk_path")
    config.add_request_method(_invalid_value_message, "not_allowed")
    config.add_request_method(
        lambda request: request.registry["previews"].there(), "pictures_there", reify=True
    )
    config.add_request_method(_preview_urls, "previews")
    config.add_request_method(_poster_url, "poster")
    config.add_request_method(_site_title, "site_title", reify=True)


def _now(request: Any) -> datetime:
    """Return the moment the page is about: now, or ``?delta=`` seconds from now (UTC)."""
    text = request.GET.get("delta", "0")
    try:
        delta = timedelta(seconds=int(text))
    except (ValueError, OverflowError):
        delta = MAX_CLOCK_DELTA * 2
    if abs(delta) > MAX_CLOCK_DELTA:
        allowed = request.translate("a whole number of seconds, ten years at most")
        raise HTTPBadRequest(request.not_allowed("delta", text, allowed))
    clock = request.registry.settings.get("clock", utc_now)
    moment: datetime = clock() + delta
    return moment


def _invalid_value_message(request: Any, key: str, value: str, allowed: str) -> str:
    """Return what is wrong with a value in the address."""
    words: str = request.translate(
        "%(key)s is %(value)s; allowed: %(allowed)s",
        key=key,
        value=f"{value!r:.40}",
        allowed=allowed,
    )
    return words


def utc_now() -> datetime:
    """Return what the time is, for whoever has no other clock."""
    return datetime.now(UTC)


def _room(request: Any) -> Room:
    """Return the configured room that the path names."""
    name = request.matchdict["room"]
    room: Room | None = request.conference.rooms.get(name)
    if room is None:
        raise HTTPNotFound(request.translate("there is no room called %(room)s", room=name))
    return room


def _talk_path(request: Any, event: Slot) -> str:
    """Return the address of a talk's page; "" for what fills a gap."""
    if event.generated:
        return ""
    path: str = request.route_path("talk", talk=talk_id(event))
    return path


def _preview_urls(request: Any, room: Room, *, large: bool = False) -> list[tuple[str, str]]:
    """Return the addresses of a room's fresh pictures and their types, the last for any browser.

    What the configuration names comes before what encoders write.
    """
    if room.preview:
        return [(room.preview, "")]
    pictures, there = request.registry["previews"], request.pictures_there
    large = large and bool(pictures.formats(room.id, there, large=True))
    size = "-large" if large else ""
    return [
        (
            request.route_path("room.preview", room=room.id, large=size, form=form),
            FORMATS[form],
        )
        for form in pictures.formats(room.id, there, large=large)
    ]


def _poster_url(request: Any, room: Room) -> str:
    """Return the address of one large picture of a room; "" if there is none."""
    found = request.previews(room, large=True)
    return found[-1][0] if found else ""


def configured_title(conference: ConferenceConfig) -> str:
    """Return what the whole site is called: the default title, else the events' names."""
    if conference.default.title not in ("default", DEFAULT_TITLE):
        return conference.default.title
    events = {room.conference for room in conference.rooms.values()} - {""}
    return ", ".join(sorted(events)) or FALLBACK_TITLE


def _site_title(request: Any) -> str:
    title = configured_title(request.conference)
    # Names are the same in all languages.
    return request.words.translate(title) if title == FALLBACK_TITLE else title
