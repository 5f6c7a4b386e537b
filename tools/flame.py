"""Draws a flame graph (SVG) from the output of `py-spy record --format raw`.

    py-spy record --pid PID --duration 6 --rate 250 --format raw --output stacks.txt
    .venv/bin/python tools/flame.py stacks.txt docs/images/flame.svg "A worker under load"

Each bar is a function. Its width is its share of the running time of all threads; its caller is
below it. Idle threads are excluded.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

WIDTH, ROW_HEIGHT = 1200, 17
MIN_BAR_WIDTH, MIN_LABEL_WIDTH = 0.6, 34
CHAR_WIDTH = 6.2
# Threads of waitress that wait for a request, and its event loop.
IDLE = re.compile(r"(?:^|;)(?:Condition\.wait|_Call\.sleep|poll2) \([^;]*\)$")
# The frame that starts a request; the same callers are below all of them.
REQUEST_FRAME = re.compile(r"^(?:WSGITask|ClosingTask)\.execute ")
COLOURS = {"streaming_system": "#e4572e", "sqlalchemy": "#5b8def", "psycopg": "#3a6fd8",
           "jinja2": "#f2b134", "waitress": "#9aa5b1", "pyramid": "#7bb274"}  # fmt: skip
OTHER_COLOUR = "#c9c2b8"


@dataclass
class Frame:
    """A function in one call path: its number of samples, and the functions it called."""

    name: str
    count: int = 0
    callees: dict[str, "Frame"] = field(default_factory=dict)

    def callee(self, name: str) -> "Frame":
        """Return the frame of a called function, created on first use."""
        return self.callees.setdefault(name, Frame(name))


def merge_stacks(lines: Iterable[str]) -> Frame:
    """Merge all stacks into a tree, without idle threads."""
    root = Frame("all")
    for line in lines:
        stack, _, count = line.rpartition(" ")
        if not stack or IDLE.search(stack):
            continue
        names = [_without_line(name) for name in stack.split(";")]
        starts = [number for number, name in enumerate(names) if REQUEST_FRAME.match(name)]
        frame = root
        frame.count += int(count)
        for name in names[starts[-1] if starts else 0 :]:
            frame = frame.callee(name)
            frame.count += int(count)
    return root


def _without_line(name: str) -> str:
    return re.sub(r":\d+\)$", ")", name)


def bars(frame: Frame, scale: float, x: float = 0, depth: int = 0) -> Iterator[tuple]:
    """Yield each visible bar: frame, left edge, width, depth."""
    width = frame.count * scale
    if width < MIN_BAR_WIDTH:
        return
    yield frame, x, width, depth
    for callee in sorted(frame.callees.values(), key=lambda child: -child.count):
        yield from bars(callee, scale, x, depth + 1)
        x += callee.count * scale


def render_svg(root: Frame, title: str) -> str:
    visible = list(bars(root, WIDTH / max(root.count, 1)))
    height = (max(depth for *_, depth in visible) + 1) * ROW_HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="system-ui, sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fffdf8"/>',
        f'<text x="8" y="19" font-size="14">{escape(title)}</text>',
    ]
    for frame, x, width, depth in visible:
        y = height - (depth + 1) * ROW_HEIGHT
        share = 100 * frame.count / root.count
        label = f"{frame.name} {share:.1f} %"
        parts.append(
            f'<g><title>{escape(label)}</title><rect x="{x:.1f}" y="{y}" width="{width - 0.4:.1f}" '
            f'height="{ROW_HEIGHT - 1}" fill="{_colour(frame.name)}"/>'
            + (_text(label, x, y, width) if width >= MIN_LABEL_WIDTH else "")
            + "</g>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _text(label: str, x: float, y: int, width: float) -> str:
    short = label[: int((width - 6) / CHAR_WIDTH)]
    return f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(short)}</text>'


def _colour(name: str) -> str:
    return next((colour for package, colour in COLOURS.items() if package in name), OTHER_COLOUR)


def main(source: str, target: str, title: str) -> None:
    with Path(source).open(encoding="utf-8") as lines:
        root = merge_stacks(lines)
    Path(target).write_text(render_svg(root, title), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
