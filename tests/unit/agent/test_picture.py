"""Judgements about small grey pictures: black, and the same as before."""

import random

import pytest

from streaming_system.agent.picture import PICTURE_BYTES, PictureHistory, is_black, is_same_picture

SLIDE = bytes(random.Random(1).choices((40, 230), k=PICTURE_BYTES))


def with_noise(picture, amplitude, seed=2):
    """Return a picture as an encoder renders it another time."""
    noise = random.Random(seed)
    return bytes(
        min(max(pixel + noise.randint(-amplitude, amplitude), 0), 255) for pixel in picture
    )


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (bytes(PICTURE_BYTES), True),
        # Video black after a lossy encoder, and a small logo.
        (with_noise(bytes([16]) * PICTURE_BYTES, 6), True),
        (bytes([255]) * 200 + bytes(PICTURE_BYTES - 200), True),
        # A dark slide with text, a dim stage.
        (bytes([255]) * 600 + bytes(PICTURE_BYTES - 600), False),
        (bytes([45]) * PICTURE_BYTES, False),
        (SLIDE, False),
    ],
)
def test_black_picture_is_dark_nearly_everywhere(picture, expected):
    assert is_black(picture) is expected


def test_noise_of_the_encoder_is_no_change():
    assert is_same_picture(SLIDE, with_noise(SLIDE, 4))


def test_small_change_is_a_change():
    # A mouse pointer, or the last digit of a clock, in a corner.
    moved = bytearray(SLIDE)
    moved[-1] = 255 - moved[-1]

    assert not is_same_picture(SLIDE, bytes(moved))


def test_history_counts_changes():
    history = PictureHistory()

    results = [history.add(picture) for picture in (SLIDE, SLIDE, bytes(PICTURE_BYTES), SLIDE)]

    assert results == [None, True, False, False]
    assert history.changes == 2
