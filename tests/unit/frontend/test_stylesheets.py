"""Rules for all stylesheets."""

import re

import pytest

from streaming_system.theme import EXAMPLES_FOLDER

LAYERS = "@layer reset, tokens, base, layout, components, theme;"
# Physical sides, which ignore the writing direction.
PHYSICAL = re.compile(
    r"(?:^|[;{\s])(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right|top|bottom)"
    r"|left|right|top|bottom|(?:min-|max-)?(?:width|height)"
    r"|border-(?:top|bottom)-(?:left|right)-radius)[\w-]*\s*:"
    r"|(?:text-align|float|clear)\s*:\s*(?:left|right)"
    # Four values with different right and left.
    r"|(?:margin|padding|inset|scroll-padding)\s*:\s*[^\s;]+ ([^\s;]+) [^\s;]+ (?!\1;)[^\s;]+;"
)


def stylesheets(root):
    static = root / "src/streaming_system/frontend/static"
    return [*sorted(static.glob("*.css")), *sorted(EXAMPLES_FOLDER.glob("*/theme.css"))]


def rules(path):
    """Return a stylesheet without comments and without the conditions of media and containers."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"@(?:media|container)[^{]*\{", "{", text)


def test_stylesheets_use_logical_sides(root):
    found = {
        path.name: [match[0].strip() for match in PHYSICAL.finditer(rules(path))]
        for path in stylesheets(root)
    }

    assert {name: physical for name, physical in found.items() if physical} == {}


@pytest.mark.parametrize(
    "rule",
    ["a { margin-left: 4px }", "a{left:0}", "a { text-align: right; }", "a { max-width: 3px }",
     "a { padding: 1px 2px 3px 0; }", "a { border-top-left-radius: 0 }"],
)  # fmt: skip
def test_physical_sides_are_detected(rule):
    assert PHYSICAL.search(rule)


def test_layer_order_is_declared_once_at_the_start(root):
    texts = {path.name: path.read_text() for path in stylesheets(root)}

    assert [name for name, text in texts.items() if LAYERS in text] == ["foundation.css"]
    assert rules(stylesheets(root)[0].parent / "foundation.css").strip().startswith(LAYERS)


def test_every_rule_is_in_a_layer(root):
    for path in stylesheets(root):
        if path.name == "theme.css":
            # The theme's stylesheet is added to the last layer at run time.
            continue
        depth, beginnings = 0, [""]
        for piece in re.split(r"([{}])", rules(path)):
            depth += {"{": 1, "}": -1}.get(piece, 0)
            if depth == 0 and piece != "}":
                beginnings.append(piece.split(";")[-1].strip())

        outside = [one for one in beginnings if one and not one.startswith("@layer ")]
        assert outside == [], path.name


def test_colours_are_tokens_or_have_both_schemes(root):
    """Only the player, which is always black, and print styles have fixed colours."""
    for path in stylesheets(root):
        if path.name in ("player.css", "player-controls.css", "foundation.css"):
            continue
        text = re.sub(r"light-dark\([^()]*(?:\([^()]*\)[^()]*)*\)", "", rules(path))
        text = re.sub(r"\.stage[^{]*\{[^}]*\}", "", text)

        assert set(re.findall(r"#[0-9a-f]{3,8}\b", text)) <= {"#000", "#fff"}, path.name
