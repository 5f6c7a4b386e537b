"""Draw where a program's time goes: what `py-spy record -f raw` has written, as an SVG.

    py-spy record --pid PID --duration 6 --rate 250 --format raw --output stacks.txt
    .venv/bin/python tools/flame.py stacks.txt docs/images/flame.svg "A worker under load"

Each bar is a function, as wide as its share of the time that threads ran; below it is what called
it. Threads that wait for work are left out.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

WIDTH, ROW = 1200, 17
# Narrower bars have no room for a word.
LEAST, LEAST_NAMED = 0.6, 34
LETTER = 6.2
# Where a thread of waitress, or its loop, waits for somebody to ask.
IDLE = re.compile(r"(?:^|;)(?:Condition\.wait|_Call\.sleep|poll2) \([^;]*\)$")
# What stands below every request, and says nothing.
ABOVE = re.compile(r"^(?:WSGITask|ClosingTask)\.execute ")
COLOURS = {"streaming_system": "#e4572e", "sqlalchemy": "#5b8def", "psycopg": "#3a6fd8",
           "jinja2": "#f2b134", "waitress": "#9aa5b1", "pyramid": "#7bb274"}  # fmt: skip
OTHER = "#c9c2b8"


@dataclass
class Frame:
    """A function where it was called, how often it was seen, and what it called."""

    name: str
    count: int = 0
    called: dict[str, "Frame"] = field(default_factory=dict)

    def at(self, name: str) -> "Frame":
        """Return the frame of what it called by this name."""
        return self.called.setdefault(name, Frame(name))


def tree(lines: Iterable[str]) -> Frame:
    """Return all stacks together, without what waits."""
    root = Frame("all")
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not stack or IDLE.search(stack):
            continue
        names = [_without_line(name) for name in stack.split(";")]
        below = [number for number, name in enumerate(names) if ABOVE.match(name)]
        frame = root
        frame.count += int(count)
        for name in names[below[-1] if below else 0 :]:
            frame = frame.at(name)
            frame.count += int(count)
    return root


def _without_line(name: str) -> str:
    return re.sub(r":\d+\)$", ")", name)


def bars(frame: Frame, scale: float, x: float = 0, depth: int = 0) -> Iterator[tuple]:
    """Yield each bar that can be seen: the frame, its left edge, its width, how deep it is."""
    width = frame.count * scale
    if width < LEAST:
        return
    yield frame, x, width, depth
    for called in sorted(frame.called.values(), key=lambda one: -one.count):
        yield from bars(called, scale, x, depth + 1)
        x += called.count * scale


def svg(root: Frame, title: str) -> str:
    """Return the picture."""
    drawn = list(bars(root, WIDTH / max(root.count, 1)))
    height = (max(depth for *_, depth in drawn) + 1) * ROW + 30
    said = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fffdf8"/>',
        f'<text x="8" y="19" font-size="14">{escape(title)}</text>',
    ]
    for frame, x, width, depth in drawn:
        y = height - (depth + 1) * ROW
        share = 100 * frame.count / root.count
        words = f"{frame.name} {share:.1f} %"
        said.append(
            f'<g><title>{escape(words)}</title><rect x="{x:.1f}" y="{y}" width="{width - 0.4:.1f}" '
            f'height="{ROW - 1}" fill="{_colour(frame.name)}"/>'
            + (_label(words, x, y, width) if width >= LEAST_NAMED else "")
            + "</g>"
        )
    return "\n".join([*said, "</svg>", ""])


def _label(words: str, x: float, y: int, width: float) -> str:
    short = words[: int((width - 6) / LETTER)]
    return f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(short)}</text>'


def _colour(name: str) -> str:
    return next((colour for part, colour in COLOURS.items() if part in name), OTHER)


def main(source: str, target: str, title: str) -> None:
    """Draw one picture."""
    with Path(source).open(encoding="utf-8") as lines:
        root = tree(lines)
    Path(target).write_text(svg(root, title), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
