"""What the pages of one conference see of the tracker, which serves all conferences of the site."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from streaming_system.frontend.tracker_client import OpenIncident

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Resource(Protocol[T_co]):
    """A document of the tracker."""

    def get(self) -> T_co | None:
        """Return the last value, or ``None`` if it has expired."""


@dataclass(eq=False)
class EventResource(Generic[T]):
    """The part of a document that belongs to one conference; an archive requests nothing.

    :param source: the document of the site.
    :param select: returns the part, with the room ids of the conference.
    :param is_archive: returns whether the conference is over.
    :param empty: the value of an archive.
    """

    source: Resource[T]
    select: Callable[[T], T]
    is_archive: Callable[[], bool]
    empty: T

    def __post_init__(self) -> None:
        self._selected: tuple[T | None, T | None] = None, None

    def get(self) -> T | None:
        """Return the part; the same object until the document changes."""
        if self.is_archive():
            return self.empty
        document = self.source.get()
        if self._selected[0] is not document:
            self._selected = document, None if document is None else self.select(document)
        return self._selected[1]


def event_resources(
    site: Mapping[str, Any], prefix: str, is_archive: Callable[[], bool]
) -> dict[str, EventResource[Any]]:
    """Return the resources of a conference, by name.

    :param site: those of the site.
    :param prefix: of the room ids in the tracker.
    """

    def select_rooms(rooms: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            room.removeprefix(prefix): status
            for room, status in rooms.items()
            if room.startswith(prefix)
        }

    def select_incidents(incidents: tuple[OpenIncident, ...]) -> tuple[OpenIncident, ...]:
        return tuple(
            replace(incident, room=incident.room.removeprefix(prefix))
            for incident in incidents
            if incident.room.startswith(prefix)
        )

    return {
        name: EventResource(site[name], select, is_archive, empty)
        for name, select, empty in (
            ("room_statuses", select_rooms, {}),
            ("room_audiences", select_rooms, {}),
            ("open_incidents", select_incidents, ()),
        )
    }
