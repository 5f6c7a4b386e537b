"""Addresses of a conference that is below a site, and its room ids in the tracker."""

from typing import Any

from streaming_system.config.events import EVENT_KEY, room_prefix
from streaming_system.frontend.event_list import EventEntry


def includeme(config: Any) -> None:
    """Add the request properties for templates."""
    config.add_request_method(_event, "event", reify=True)
    config.add_request_method(
        lambda request: room_prefix(request.event), "tracker_prefix", reify=True
    )
    config.add_request_method(_site_path, "site_path", reify=True)
    config.add_request_method(_is_archive, "is_archive", reify=True)
    config.add_request_method(_events_path, "events_path", reify=True)
    config.add_request_method(_event_path, "event_path")
    config.add_request_method(_has_events, "has_events", reify=True)


def _event(request: Any) -> str:
    """Return the name of the conference; "" for the site itself."""
    name: str = request.registry.settings.get(EVENT_KEY, "")
    return name


def _site_path(request: Any) -> str:
    """Return the path of the site that has the conferences, with a slash at the end."""
    mount = f"/{request.event}" if request.event else ""
    path: str = request.script_name.removesuffix(mount)
    return f"{path}/"


def _is_archive(request: Any) -> bool:
    """Return whether the conference is over, so that its pages poll nothing."""
    is_archive = request.registry.get("is_archive")
    return bool(is_archive and is_archive())


def _has_events(request: Any) -> bool:
    """Return whether the site has a list of conferences."""
    return bool(request.event or request.registry["events"])


def _events_path(request: Any) -> str:
    """Return the path of the list of conferences."""
    return _with_language(request, f"{request.site_path}events")


def _event_path(request: Any, entry: EventEntry, page: str = "") -> str:
    """Return the path of a page of a conference."""
    return _with_language(request, f"{request.site_path}{entry.path}{page}")


def _with_language(request: Any, path: str) -> str:
    language = request.requested_language
    return f"{path}?lang={language.tag}" if language else path
