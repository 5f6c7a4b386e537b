"""The wall: several rooms at once, each in a tile of its own."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from streaming_system.config import ConferenceConfig
from streaming_system.frontend.room_names import RoomNames
from streaming_system.frontend.room_page import RoomPage, build_room_page
from streaming_system.frontend.room_view import RoomView

# Numbers of tiles that fill a window.
LAYOUTS = (1, 2, 4, 6, 9)
MAX_TILES = LAYOUTS[-1]


@dataclass(frozen=True, kw_only=True)
class RoomChoice:
    """A room of the list from which viewers choose.

    :param rooms: the value of ``?rooms=`` after a click: with this room, or without it.
    """

    state: RoomView
    is_shown: bool
    rooms: str


@dataclass(frozen=True, kw_only=True)
class Wall:
    """The content of the wall at one moment.

    :param unknown: the requested names that no room has.
    :param layout: the number of tiles that the window is divided into.
    """

    tiles: list[RoomPage]
    choices: list[RoomChoice]
    unknown: list[str]
    layout: int


def build_wall(
    states: Sequence[RoomView],
    conference: ConferenceConfig,
    names: RoomNames,
    requested: str,
    random_source: random.Random,
) -> Wall:
    """Return the wall for one viewer.

    :param states: all rooms at the moment of the page.
    :param requested: ids or names of rooms, separated by commas; "" for a selection.
    """
    wanted = [name.strip() for name in requested.split(",") if name.strip()]
    found = {name: names.find(name) for name in wanted}
    shown = list(dict.fromkeys(room_id for room_id in found.values() if room_id))[:MAX_TILES]
    if not wanted:
        shown = _select_rooms(states)
    return Wall(
        tiles=[build_room_page(room, states, conference.site, random_source) for room in shown],
        choices=[_choice(state, shown) for state in states],
        unknown=[name for name, room_id in found.items() if room_id is None][:MAX_TILES],
        layout=next(size for size in LAYOUTS if size >= len(shown)),
    )


def _select_rooms(states: Sequence[RoomView]) -> list[str]:
    """Return the ids of all rooms, in their order; of too many, the live ones first."""
    if len(states) > MAX_TILES:
        states = sorted(states, key=lambda state: not state.live)[:MAX_TILES]
    return [state.room.id for state in states]


def _choice(state: RoomView, shown: Sequence[str]) -> RoomChoice:
    room_id = state.room.id
    is_shown = room_id in shown
    rest = [other for other in shown if other != room_id]
    rooms = rest if is_shown else [*shown, room_id][-MAX_TILES:]
    return RoomChoice(state=state, is_shown=is_shown, rooms=",".join(rooms))
