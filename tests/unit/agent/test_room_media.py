"""The states of a room's picture and sound, from synthetic measurements."""

import pytest

from streaming_system.agent.picture import PICTURE_BYTES
from streaming_system.agent.preview.measurement import DIGITAL_SILENCE, parse_peak
from streaming_system.agent.preview.room_media import RoomMedia

BLACK, GREY, WHITE = (bytes([value]) * PICTURE_BYTES for value in (0, 120, 255))


@pytest.fixture
def media():
    return RoomMedia(silence_floor=50)


def state(media, name):
    found = media.log.states()[name]
    return found.mood, found.condition


def test_picture_that_changes_is_happy(media):
    for picture in (GREY, WHITE, GREY):
        media.record_picture("hall", picture)

        assert state(media, "hall picture") == ("happy", "")


def test_black_picture_is_black_and_not_frozen(media):
    for _ in range(2):
        media.record_picture("hall", BLACK)

        assert state(media, "hall picture") == ("hungry", "black")


def test_slide_that_changes_ends_a_frozen_picture(media):
    states = []
    for picture in (GREY, GREY, GREY, WHITE, WHITE):
        media.record_picture("hall", picture)
        states.append(state(media, "hall picture")[1])

    assert states == ["", "frozen", "frozen", "", "frozen"]
    # The second time is another state.
    past = [entry.mood for _, entry in media.log.since(0, 0).past]
    assert past == ["happy", "happy", "happy"]


@pytest.mark.parametrize(
    ("peaks", "expected"),
    [
        ([-18.0], ("happy", "")),
        ([-49.9], ("happy", "")),
        ([-50.1], ("hungry", "silence")),
        ([DIGITAL_SILENCE], ("hungry", "silence")),
        # A stream without sound from the start, and an encoder that has lost it.
        ([None], ("sleeping", "")),
        ([-18.0, None], ("hungry", "silence")),
        ([-18.0, None, -18.0], ("happy", "")),
    ],
)
def test_sound_below_the_floor_is_silence(media, peaks, expected):
    for peak in peaks:
        media.record_sound("hall", peak)

    assert state(media, "hall sound") == expected


def test_room_that_returns_has_no_earlier_picture(media):
    media.record_picture("hall", GREY)
    media.record_picture("lab", GREY)
    media.remove("hall")
    assert [component.name for component in media.components()] == ["lab picture", "lab sound"]

    media.record_picture("hall", GREY)

    assert state(media, "hall picture") == ("happy", "")


def test_failed_measurement_is_no_condition(media):
    media.record_problem("hall", "no picture within 10 s")
    assert media.components() == []
    media.record_picture("hall", BLACK)

    media.record_problem("hall", "no picture within 10 s")

    assert state(media, "hall picture") == state(media, "hall sound") == ("hungry", "")


@pytest.mark.parametrize(
    ("levels", "peak"),
    [
        (["-32.5", "-17.9", "-inf"], -17.9),
        (["-inf", "-inf"], DIGITAL_SILENCE),
        (["broken", "-40.0"], -40.0),
        ([], DIGITAL_SILENCE),
    ],
)
def test_peak_is_the_loudest_level(levels, peak):
    text = "".join(
        f"frame:{n} pts:0 pts_time:0\nlavfi.astats.Overall.Peak_level={level}\n"
        for n, level in enumerate(levels)
    )

    assert parse_peak(text) == peak
