"""Colours and their contrast."""

import pytest

from streaming_system.theme.colour import BLACK, WHITE, ensure_contrast, parse_colour


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        # Reference values of contrast checkers.
        ("#000", "#fff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.00),
        ("#0000ff", "#000000", 2.44),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_matches_wcag(one, other, ratio):
    assert round(parse_colour(one).contrast(parse_colour(other)), 2) == ratio
    assert round(parse_colour(other).contrast(parse_colour(one)), 2) == ratio


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#abc", "#aabbcc"),
        ("#A0B1C2", "#a0b1c2"),
        ("rgb(255 128 0)", "#ff8000"),
        ("rgb(255, 128, 0)", "#ff8000"),
        ("hsl(120 100% 25%)", "#008000"),
        ("hsl(0deg 0% 100%)", "#ffffff"),
    ],
)
def test_css_notations_are_parsed(text, colour):
    assert str(parse_colour(text)) == colour


@pytest.mark.parametrize(
    "text",
    ["", "red", "#12", "#12345", "#ff000080", "rgb(256 0 0)", "rgb(٣ 0 0)", "hsl(361 0% 0%)",
     "#fff; } body { display: none", "url(//evil.example)", "var(--x)", "#fff\n"],
)  # fmt: skip
def test_other_notations_are_rejected(text):
    assert parse_colour(text) is None


def test_colour_with_enough_contrast_is_unchanged():
    fix = ensure_contrast(parse_colour("#1b5a8e"), [WHITE], 4.5)

    assert (str(fix), fix.share) == ("#1b5a8e", 0)


@pytest.mark.parametrize("surface", ["#ffffff", "#f6f7f9", "#000000", "#191c22"])
@pytest.mark.parametrize("chosen", ["#ffd400", "#7fd4ff", "#808080", "#3a0a5a"])
def test_colour_is_changed_as_little_as_needed(surface, chosen):
    backgrounds = [parse_colour(surface)]

    fix = ensure_contrast(parse_colour(chosen), backgrounds, 4.5)

    assert fix.result.contrast(backgrounds[0]) >= 4.5
    before = fix.chosen.mix(fix.pole, (fix.share - 5) / 100)
    assert fix.share == 0 or before.contrast(backgrounds[0]) < 4.52


def test_no_colour_has_enough_contrast_to_black_and_white():
    assert ensure_contrast(parse_colour("#777"), [BLACK, WHITE], 7) is None
