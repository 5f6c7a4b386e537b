"""The HTML of talks on schedule pages, rendered once per schedule and language."""

import threading
from collections.abc import Callable, Hashable
from datetime import date

from markupsafe import Markup

from streaming_system.frontend.schedule_page.schedule_view import ScheduleEntry
from streaming_system.schedule.model import Schedule

# The memory of an entry besides its text.
OBJECT_BYTES = 256

TalkMacro = Callable[[ScheduleEntry, date | None], Markup]


class TalkHtmlCache:
    """The talks of the current schedule as HTML. It is thread-safe.

    A page of all talks, or of the results of a search, then costs little more than its bytes.

    :param max_bytes: further talks are rendered each time; 0 disables the cache.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._schedule: Schedule | None = None
        self._html: dict[Hashable, Markup] = {}
        self._size = 0

    def renderer(
        self, schedule: Schedule, variant: Hashable
    ) -> Callable[[ScheduleEntry, date | None, TalkMacro], Markup]:
        """Return a function that renders a talk for the page of a day.

        :param variant: what the HTML depends on besides the talk: few different values.
        """
        with self._lock:
            if schedule is not self._schedule:
                self._schedule, self._html, self._size = schedule, {}, 0
            html = self._html

        def render_talk(entry: ScheduleEntry, day: date | None, macro: TalkMacro) -> Markup:
            if day and entry.day < day:
                # It also says on which day the talk started.
                return macro(entry, day)
            # The schedule holds the talk, so that no other object gets its id.
            key = (variant, entry.zone.key, entry.room.id, id(entry.talk))
            cached = html.get(key)
            if cached is None:
                cached = macro(entry, None)
                self._add(html, key, cached)
            return cached

        return render_talk

    def _add(self, html: dict[Hashable, Markup], key: Hashable, text: Markup) -> None:
        # A text with one character beyond U+FFFF takes four bytes for each.
        size = OBJECT_BYTES + 4 * len(text)
        with self._lock:
            if html is self._html and self._size + size <= self._max_bytes:
                html[key] = text
                self._size += size
