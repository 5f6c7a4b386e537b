"""Content lines and components of calendars (RFC 5545, section 3.1).

Calendars are often concatenated, edited by hand or written by templates, so a line that belongs
nowhere costs only itself. Events without an end are refused: the feed is incomplete.
"""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from icalendar.prop import TypesFactory

from streaming_system.plugin import FeedError

MAX_LISTED_LINES = 5
MAX_EXCERPT_CHARS = 60
MAX_DEPTH = 100
MAX_TEXT_CHARS = 64 * 1024

_PROPERTY = re.compile(r"([A-Za-z0-9-]+)[ \t]*[;:]")
_TEXT_PROPERTIES = {"COMMENT", "DESCRIPTION", "LOCATION", "SUMMARY"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Property:
    """A property of a component: its name in capitals, and the unfolded line."""

    name: str
    text: str


@dataclass(kw_only=True, slots=True)
class Component:
    """A component such as VCALENDAR or VEVENT.

    :param line: the number of its first line.
    """

    name: str
    line: int
    properties: list[Property] = field(default_factory=list)
    components: list["Component"] = field(default_factory=list)

    def value(self, name: str) -> str:
        """Return the value of the first property with a name; "" if there is none."""
        for item in self.properties:
            if item.name == name:
                return item.text.partition(":")[2].strip()
        return ""

    def children(self, name: str) -> Iterator["Component"]:
        """Yield the components with a name below this one, in the order of the feed."""
        waiting = self.components[::-1]
        while waiting:
            component = waiting.pop()
            if component.name == name:
                yield component
            else:
                waiting.extend(component.components[::-1])


def parse_components(data: bytes, warn) -> list[Component]:
    """Return the top-level components of a feed, usually one calendar.

    :param warn: is called with a line for each problem.
    :raises FeedError: if there is no calendar, or an event or calendar does not end.
    """
    tree = _ComponentTree(warn)
    for number, line in _unfold(data):
        tree.add_line(number, line.decode(errors="replace"))
    return tree.finish()


def _unfold(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the bytes of each line; a fold can be inside a character."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    for end in (b"\r\r\n", b"\r\n", b"\r"):
        data = data.replace(end, b"\n")
    first, parts = 0, []
    for number, line in enumerate(data.split(b"\n"), 1):
        if line[:1] in (b" ", b"\t") and parts:
            parts.append(line[1:])
        elif line:
            if parts:
                yield first, b"".join(parts)
            first, parts = number, [line]
    if parts:
        yield first, b"".join(parts)


def _format_lines(numbers: list[int]) -> str:
    listed = ", ".join(map(str, numbers[:MAX_LISTED_LINES]))
    more = f" and {len(numbers) - MAX_LISTED_LINES} more" * (len(numbers) > MAX_LISTED_LINES)
    return f"line {listed} is" if len(numbers) == 1 else f"lines {listed}{more} are"


def _is_misspelt(name: str, expected: str) -> bool:
    return difflib.SequenceMatcher(None, name[:MAX_EXCERPT_CHARS], expected).ratio() >= 0.8


class _ComponentTree:
    """Nests components. A line outside of them, or without a name, is reported."""

    def __init__(self, warn):
        self.warn = warn
        self.roots: list[Component] = []
        self.open: list[Component] = []
        self.ignored: list[tuple[int, str]] = []
        self.joined: list[int] = []
        self.unclosed: list[Component] = []

    def add_line(self, number, text):
        match = _PROPERTY.match(text)
        name = match[1].upper() if match else ""
        value = text.partition(":")[2].strip().upper()
        if name == "BEGIN":
            self._begin(number, value)
        elif name == "END":
            self._end(number, value)
        elif name and self.open and not self._continues_text(match[1]):
            self.open[-1].properties.append(Property(name=name, text=text))
        elif not self._join(number, text):
            self.ignored.append((number, text))

    def finish(self) -> list[Component]:
        if self.open:
            name, line = self.open[-1].name, self.open[-1].line
            raise FeedError(f"not valid iCalendar: {name} in line {line} begins and does not end")
        if not any(root.name == "VCALENDAR" for root in self.roots):
            raise FeedError("not valid iCalendar: there is no BEGIN:VCALENDAR")
        self._warn_about_each(
            f"line {number} is no property of a calendar: ignored: {text[:MAX_EXCERPT_CHARS]!r}"
            for number, text in self.ignored
        )
        self._warn_about_each(
            f"line {component.line}: {component.name} has no END" for component in self.unclosed
        )
        if self.joined:
            self.warn(f"{_format_lines(self.joined)} not folded: taken as part of the text before")
        return self.roots

    def _warn_about_each(self, messages):
        listed = list(messages)
        for message in listed[:MAX_LISTED_LINES]:
            self.warn(message)
        if len(listed) > MAX_LISTED_LINES:
            self.warn(f"{len(listed) - MAX_LISTED_LINES} more lines like the one before")

    def _begin(self, number, name):
        if name == "VCALENDAR" and self.open:
            self._close_until(0)
        for component in self.open:
            if component.name == name == "VEVENT":
                raise FeedError(
                    f"not valid iCalendar: the event in line {component.line} does not end "
                    f"before the one in line {number} begins"
                )
        if len(self.open) == MAX_DEPTH:
            raise FeedError(f"not valid iCalendar: line {number} is nested too deeply")
        self.open.append(Component(name=name, line=number))

    def _end(self, number, name):
        depths = [depth for depth, component in enumerate(self.open) if component.name == name]
        if depths:
            self._close_until(depths[-1] + 1)
            self._close()
        elif self.open and _is_misspelt(name, self.open[-1].name):
            self.ignored.append((number, f"END:{name}"))
            self._close()
        elif name == "VEVENT":
            raise FeedError(
                f"not valid iCalendar: the event that ends in line {number} has no BEGIN"
            )
        else:
            self.ignored.append((number, f"END:{name}"))

    def _close_until(self, depth):
        """Close components whose END is missing."""
        while len(self.open) > depth:
            component = self.open[-1]
            if component.name == "VEVENT":
                raise FeedError(
                    f"not valid iCalendar: the event in line {component.line} does not end"
                )
            self.unclosed.append(component)
            self._close()

    def _close(self):
        component = self.open.pop()
        (self.open[-1].components if self.open else self.roots).append(component)

    def _follows_text(self) -> bool:
        properties = self.open[-1].properties if self.open else []
        return bool(properties) and properties[-1].name in _TEXT_PROPERTIES

    def _continues_text(self, name: str) -> bool:
        """Return whether "https:" or "Note:" is a part of a text that is not folded."""
        is_property = name.isupper() or name.upper() in TypesFactory.types_map
        return self._follows_text() and not is_property

    def _join(self, number, text) -> bool:
        """Append an unfolded line to the text that it most likely continues."""
        if not self._follows_text():
            return False
        last = self.open[-1].properties.pop()
        if len(last.text) < MAX_TEXT_CHARS:
            last = Property(name=last.name, text=f"{last.text}\\n{text}")
        self.open[-1].properties.append(last)
        self.joined.append(number)
        return True
