"""Colours, and how well they can be told apart."""

import pytest

from streaming_system.theme.colour import BLACK, WHITE, ensure_contrast, parse_colour


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        # What anybody's contrast checker says.
        ("#000", "#fff", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#ffffff", 4.54),
        ("#ff0000", "#ffffff", 4.00),
        ("#0000ff", "#000000", 2.44),
        ("#123456", "#123456", 1.0),
    ],
)
def test_contrast_is_that_of_wcag(one, other, ratio):
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
def test_colours_are_read_as_stylesheets_have_them(text, colour):
    assert str(parse_colour(text)) == colour


@pytest.mark.parametrize(
    "text",
    ["", "red", "#12", "#12345", "#ff000080", "rgb(256 0 0)", "rgb(٣ 0 0)", "hsl(361 0% 0%)",
     "#fff; } body { display: none", "url(//evil.example)", "var(--x)", "#fff\n"],
)  # fmt: skip
def test_anything_else_is_no_colour(text):
    assert parse_colour(text) is None


def test_what_can_be_read_stays_as_it_was_chosen():
    mix = ensure_contrast(parse_colour("#1b5a8e"), [WHITE], 4.5)

    assert (str(mix), mix.share) == ("#1b5a8e", 0)


@pytest.mark.parametrize("surface", ["#ffffff", "#f6f7f9", "#000000", "#191c22"])
@pytest.mark.parametrize("chosen", ["#ffd400", "#7fd4ff", "#808080", "#3a0a5a"])
def test_what_cannot_is_changed_as_little_as_needed(surface, chosen):
    beside = [parse_colour(surface)]

    mix = ensure_contrast(parse_colour(chosen), beside, 4.5)

    assert mix.shown.contrast(beside[0]) >= 4.5
    before = mix.chosen.mixed(mix.pole, (mix.share - 5) / 100)
    assert mix.share == 0 or before.contrast(beside[0]) < 4.52


def test_nothing_can_be_read_on_black_and_white_at_once():
    assert ensure_contrast(parse_colour("#777"), [BLACK, WHITE], 7) is None
