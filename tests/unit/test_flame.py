"""The flame graph: correct shares, and no idle threads."""

import re
from xml.etree import ElementTree

import pytest

STACKS = """\
main (app.py:1);serve (app.py:2);render (jinja2/env.py:10) 60
main (app.py:1);serve (app.py:3);look <up> (streaming_system/a.py:4) 20
main (app.py:1);Condition.wait (threading.py:327) 900
thread (t.py:1);ClosingTask.execute (waitress/task.py:9);ask (app.py:8) 20
"""


@pytest.fixture(scope="module")
def flame(script):
    return script("flame", "tools")


def test_each_bar_shows_its_share_of_the_running_time(flame):
    root = ElementTree.fromstring(
        flame.render_svg(flame.merge_stacks(STACKS.splitlines()), "A & B")
    )

    titles = [title.text for title in root.iter("{http://www.w3.org/2000/svg}title")]
    assert titles[0] == "all 100.0 %"
    assert "serve (app.py) 80.0 %" in titles
    assert "render (jinja2/env.py) 60.0 %" in titles
    assert "look <up> (streaming_system/a.py) 20.0 %" in titles
    # Idle threads and the server's frames below each request are excluded.
    assert "ClosingTask.execute (waitress/task.py) 20.0 %" in titles
    assert not [title for title in titles if title.startswith(("thread", "Condition"))]


def test_bars_lie_within_their_callers(flame):
    text = flame.render_svg(flame.merge_stacks(STACKS.splitlines()), "A")

    edges = [
        (float(x), float(x) + float(width))
        for x, width in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', text)
    ]
    assert max(right for _, right in edges) <= flame.WIDTH
    assert len(edges) == 7
