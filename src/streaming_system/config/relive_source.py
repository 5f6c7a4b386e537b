"""Where talks can be watched again."""

from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True)
class ReliveSource:
    """Where the talks of a room can be watched again. ``{room}`` stands for the room's id.

    :param kind: ``hls`` (a playlist), ``mediamtx`` (its playback server), ``files`` (nginx's list
        of recordings), or ``index`` (a JSON list of talks).
    :param path: the name of the stream in MediaMTX.
    :param names: the names of files, with the directives of ``strftime``.
    :param timezone: of times in names of files.
    :param clock_offset: seconds that the clock of the recording is fast.
    """

    kind: str
    url: str
    path: str = ""
    names: str = ""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    clock_offset: float = 0.0

    def for_room(self, room_id: str) -> "ReliveSource":
        """Return the source with the id of a room in place of the placeholder."""
        texts = {name: getattr(self, name) for name in ("url", "path", "names")}
        return replace(
            self, **{name: text.replace("{room}", room_id) for name, text in texts.items()}
        )
