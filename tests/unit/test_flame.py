"""The picture of where time goes: shares are right, and what waits is not in it."""

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


def test_each_bar_says_its_share_of_the_time_that_was_used(flame):
    picture = ElementTree.fromstring(flame.svg(flame.tree(STACKS.splitlines()), "A & B"))

    said = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert said[0] == "all 100.0 %"
    assert "serve (app.py) 80.0 %" in said
    assert "render (jinja2/env.py) 60.0 %" in said
    assert "look <up> (streaming_system/a.py) 20.0 %" in said
    # What a server does before every request is left out, and so is what waits.
    assert "ClosingTask.execute (waitress/task.py) 20.0 %" in said
    assert not [words for words in said if words.startswith(("thread", "Condition"))]


def test_bars_lie_within_those_that_called_them(flame):
    text = flame.svg(flame.tree(STACKS.splitlines()), "A")

    edges = [
        (float(x), float(x) + float(width))
        for x, width in re.findall(r'<rect x="([\d.]+)" y="\d+" width="([\d.]+)"', text)
    ]
    assert max(right for _, right in edges) <= flame.WIDTH
    assert len(edges) == 7
