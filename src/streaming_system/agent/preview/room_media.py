"""What the rooms' streams show and sound like, as components for the trackers."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from streaming_system.agent.picture import PictureHistory, is_black
from streaming_system.agent.supervisor.event_log import ComponentLog


@dataclass(frozen=True, kw_only=True)
class MediaComponent:
    """The picture or the sound of a room."""

    name: str
    room: str
    kind: str = "streamer"


class RoomMedia:
    """Turns measurements of streams into states of components.

    :param silence_floor: sound counts as silence below this many dB under full scale.
    """

    def __init__(self, silence_floor: float) -> None:
        self._silence_floor = silence_floor
        self.log = ComponentLog()
        self._lock = threading.Lock()
        self._histories: dict[str, PictureHistory] = {}
        self._rooms_with_sound: set[str] = set()

    def components(self) -> Sequence[MediaComponent]:
        """Return the picture and the sound of each measured room."""
        with self._lock:
            rooms = list(self._histories)
        return [
            MediaComponent(name=name, room=room)
            for room in rooms
            for name in (_picture_name(room), _sound_name(room))
        ]

    def record_problem(self, room: str, problem: str) -> None:
        """Record why a room that was measured before could not be."""
        with self._lock:
            if room not in self._histories:
                return
        # No condition: what viewers get is unknown, and the stream's own checks report failures.
        self.log.set_state(_picture_name(room), "hungry", problem)
        self.record_sound_problem(room, problem)

    def remove(self, room: str) -> None:
        """Forget a room that is not live any more."""
        with self._lock:
            self._histories.pop(room, None)
        self._rooms_with_sound.discard(room)
        for name in (_picture_name(room), _sound_name(room)):
            self.log.remove(name)

    def record_picture(self, room: str, picture: bytes | None) -> None:
        """Record the picture of a room; ``None`` if it could not be measured."""
        name = _picture_name(room)
        with self._lock:
            history = self._histories.setdefault(room, PictureHistory())
        if picture is None:
            self.log.set_state(name, "hungry", "there is no picture")
            return
        is_same = history.add(picture)
        if is_black(picture):
            self.log.set_state(name, "hungry", "the picture is black", condition="black")
        elif is_same:
            # Slides stand still, so this alone is no fault.
            detail = "the picture does not change"
            self.log.set_state(name, "happy", detail, condition="frozen")
        else:
            self.log.set_state(name, "happy")

    def record_sound(self, room: str, peak: float | None) -> None:
        """Record the loudness of a room in dB; ``None`` if its stream has no sound."""
        name = _sound_name(room)
        if peak is None and room not in self._rooms_with_sound:
            self.log.set_state(name, "sleeping", "the stream has no sound")
        elif peak is None:
            # The encoder has lost it.
            self.log.set_state(name, "hungry", "the sound is gone", condition="silence")
        elif peak < -self._silence_floor:
            self.log.set_state(name, "hungry", "silence", condition="silence")
        else:
            self._rooms_with_sound.add(room)
            self.log.set_state(name, "happy")

    def record_sound_problem(self, room: str, problem: str) -> None:
        """Record why the loudness of a room could not be measured."""
        self.log.set_state(_sound_name(room), "hungry", problem)


def _picture_name(room: str) -> str:
    return f"{room} picture"[-64:]


def _sound_name(room: str) -> str:
    return f"{room} sound"[-64:]
