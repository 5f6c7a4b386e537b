"""Properties and methods of requests."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound

from streaming_system.config import ConferenceConfig, Room
from streaming_system.frontend.formatting import gettext_noop
from streaming_system.frontend.previews import (
    FORMATS,
    MAX_AGE_SECONDS,
    MAX_LAST_IMAGE_AGE_SECONDS,
)
from streaming_system.frontend.routes import is_page
from streaming_system.schedule.model import Slot
from streaming_system.schedule.site_links import talk_id

FALLBACK_TITLE = gettext_noop("Live streams")
MAX_CLOCK_DELTA = timedelta(days=3660)


def includeme(config: Any) -> None:
    """Add the properties and methods."""
    config.add_request_method(_now, "now", reify=True)
    config.add_request_method(_room, "room", reify=True)
    config.add_request_method(_conference, "conference", reify=True)
    config.add_request_method(_translated_titles, "translated_titles", reify=True)
    config.add_request_method(
        lambda request: request.registry["schedule_views"].of(request.conference),
        "schedule_views",
        reify=True,
    )
    config.add_request_method(
        lambda request: request.registry["schedule"].current(), "schedule", reify=True
    )
    config.add_request_method(_talk_path, "talk_path")
    config.add_request_method(_invalid_value_message, "invalid_value_message")
    config.add_request_method(
        lambda request: request.registry["preview_store"].file_names(), "preview_files", reify=True
    )
    config.add_request_method(_preview_urls, "preview_urls")
    config.add_request_method(_last_preview, "last_preview")
    config.add_request_method(_poster_url, "poster_url")
    config.add_request_method(_site_title, "site_title", reify=True)
    config.include("streaming_system.frontend.event_addresses")


def _conference(request: Any) -> ConferenceConfig:
    """Return the configuration: for people in the language of the page, else in the default one."""
    settings = request.registry.settings
    default: ConferenceConfig = settings["conference"]
    if not is_page(request):
        return default
    conferences: Mapping[str, ConferenceConfig] = settings["site_state"].conferences
    return conferences.get(request.locale_name, default)


def _translated_titles(request: Any) -> Mapping[str, str]:
    """Return the titles of the page's language by those of the default one."""
    titles: Mapping[str, Mapping[str, str]] = request.registry.settings[
        "site_state"
    ].translated_titles
    return titles.get(request.locale_name, {}) if is_page(request) else {}


def _now(request: Any) -> datetime:
    """Return the time that the page shows: now, or ``?delta=`` seconds from now (UTC)."""
    text = request.GET.get("delta", "0")
    try:
        delta = timedelta(seconds=int(text))
    except (ValueError, OverflowError):
        delta = MAX_CLOCK_DELTA * 2
    if abs(delta) > MAX_CLOCK_DELTA:
        allowed = request.translate("a whole number of seconds, ten years at most")
        raise HTTPBadRequest(request.invalid_value_message("delta", text, allowed))
    clock = request.registry.settings.get("clock", utc_now)
    moment: datetime = clock() + delta
    return moment


def _invalid_value_message(request: Any, key: str, value: str, allowed: str) -> str:
    """Return the error message for a query parameter."""
    message: str = request.translate(
        "%(key)s is %(value)s; allowed: %(allowed)s",
        key=key,
        value=f"{value!r:.40}",
        allowed=allowed,
    )
    return message


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def _room(request: Any) -> Room:
    """Return the room in the path.

    :raises HTTPNotFound: if it is not configured.
    """
    name = request.matchdict["room"]
    room: Room | None = request.conference.rooms.get(name)
    if room is None:
        raise HTTPNotFound(request.translate("there is no room called %(room)s", room=name))
    return room


def _talk_path(request: Any, slot: Slot) -> str:
    """Return the path of a talk's page; "" for a filler."""
    if slot.is_filler:
        return ""
    path: str = request.route_path("talk", talk=talk_id(slot))
    return path


def _preview_urls(
    request: Any, room: Room, *, large: bool = False, max_age: float = MAX_AGE_SECONDS
) -> list[tuple[str, str]]:
    """Return the URLs and MIME types of a room's preview; every browser supports the last.

    A configured image takes precedence over those of agents.

    :param max_age: of an agent's image, in seconds.
    """
    if room.preview:
        return [(room.preview, "")]
    store, names = request.registry["preview_store"], request.preview_files
    large = large and bool(store.formats(room.id, names, large=True, max_age=max_age))
    size = "-large" if large else ""
    return [
        (
            request.route_path("room.preview", room=room.id, large=size, form=form),
            FORMATS[form],
        )
        for form in store.formats(room.id, names, large=large, max_age=max_age)
    ]


def _last_preview(request: Any, room: Room, *, large: bool = False) -> dict[str, Any]:
    """Return the URLs of a room's last preview, and its age in minutes unless it is recent."""
    max_age = MAX_LAST_IMAGE_AGE_SECONDS
    image = None
    if not room.preview and not request.preview_urls(room):
        image = request.registry["preview_store"].find(room.id, "jpg", max_age=max_age)
    return {
        "urls": request.preview_urls(room, large=large, max_age=max_age),
        "minutes": round(image.age_seconds / 60) if image else None,
    }


def _poster_url(request: Any, room: Room) -> str:
    """Return the URL of a room's large preview; "" without one."""
    urls = request.preview_urls(room, large=True)
    return urls[-1][0] if urls else ""


def configured_title(conference: ConferenceConfig) -> str:
    """Return the title of the site."""
    return conference.title or FALLBACK_TITLE


def _site_title(request: Any) -> str:
    title = configured_title(request.conference)
    # Configured names are not translated.
    return request.formatter.translate(title) if title == FALLBACK_TITLE else title
