"""Fallback groups: endpoints that other rooms use when their own are full or absent."""

from collections.abc import Container, Iterator, Mapping

from streaming_system.config import Room


class FallbackGroups:
    """The fallback groups of each room, from the configuration.

    :param rooms: the rooms of the conference by id; without them, no room has fallbacks.
    """

    def __init__(self, rooms: Mapping[str, Room] | None = None) -> None:
        self._groups = {id_: tuple(room_and_fallbacks(room)) for id_, room in (rooms or {}).items()}
        self.rooms_with_fallbacks = frozenset(
            room for room, groups in self._groups.items() if groups[1:]
        )
        self._accounting_rooms: dict[str, str] = {}
        for room, groups in self._groups.items():
            for group in groups[1:]:
                self._accounting_rooms.setdefault(group, room)

    def groups(self, room: str) -> tuple[str, ...]:
        """Return the room and its fallback groups, in this order."""
        return self._groups.get(room, (room,))

    def accounting_room(self, group: str) -> str:
        """Return the room to which the metrics of a group's endpoints count.

        It is the group itself if that is a room, or else the first room that falls back to it.
        """
        return group if group in self._groups else self._accounting_rooms.get(group, group)

    def endpoint_room(self, room: str, name: str, endpoints: Container[tuple[str, str]]) -> str:
        """Return the room or group of the endpoint that a player of a room reports.

        :param endpoints: the existing ones, by room or group and name.
        """
        return next((g for g in self.groups(room) if (g, name) in endpoints), room)


def room_and_fallbacks(room: Room) -> Iterator[str]:
    """Yield the room and its fallback groups, in this order."""
    yield room.id
    yield from (fallback.value for fallback in room.fallbacks if fallback.kind == "group")
