"""Rooms whose viewers may be on endpoints of others: those of groups that stand in."""

from collections.abc import Container, Iterator, Mapping

from streaming_system.config import Room


class FallbackGroups:
    """Which groups stand in for which rooms, as the configuration says.

    :param rooms: the conference's, by id; without them, every room is by itself.
    """

    def __init__(self, rooms: Mapping[str, Room] | None = None) -> None:
        self._groups = {id_: tuple(room_and_fallbacks(room)) for id_, room in (rooms or {}).items()}
        self.guests = frozenset(room for room, groups in self._groups.items() if groups[1:])
        self._homes: dict[str, str] = {}
        for room, groups in self._groups.items():
            for group in groups[1:]:
                self._homes.setdefault(group, room)

    def groups(self, room: str) -> tuple[str, ...]:
        """Return the room and the groups that stand in for it, in this order."""
        return self._groups.get(room, (room,))

    def home(self, group: str) -> str:
        """Return the one room that the figures of a group's endpoints count for.

        A room's own count for itself, whoever is sent there; those of a group that is no room, for
        the first room that it stands in for.
        """
        return group if group in self._groups else self._homes.get(group, group)

    def owner(self, room: str, name: str, endpoints: Container[tuple[str, str]]) -> str:
        """Return of which group an endpoint is that a player of a room names.

        :param endpoints: those that there are, by group and name.
        """
        return next((g for g in self.groups(room) if (g, name) in endpoints), room)


def room_and_fallbacks(room: Room) -> Iterator[str]:
    """Yield the room and the groups that stand in for it, in this order."""
    yield room.id
    yield from (fallback.value for fallback in room.fallbacks if fallback.kind == "group")
