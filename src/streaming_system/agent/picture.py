"""Judges pictures of a stream: whether one is black, and whether two are the same.

ffmpeg reduces each picture to a small one in shades of grey.
"""

from operator import sub

WIDTH, HEIGHT = 160, 90
PICTURE_BYTES = WIDTH * HEIGHT
# Options of ffmpeg for an output of one picture; the file name follows.
PICTURE_OPTIONS = (
    *("-vf", f"scale={WIDTH}:{HEIGHT}:flags=area:out_range=pc,format=gray"),
    *("-frames:v", "1", "-an", "-sn", "-dn", "-threads", "1", "-f", "rawvideo"),
)
# A picture is black if nearly all of its pixels are at most this bright (0 to 255).
MAX_BLACK_BRIGHTNESS = 32
MIN_BLACK_SHARE = 0.98
# Two pictures of the same scene differ by no more in any pixel: encoders with few bits add noise of
# up to 15, and a pointer that moves differs by 60.
MAX_NOISE = 24


class PictureHistory:
    """Compares each picture of a stream with the one before."""

    def __init__(self) -> None:
        self._last: bytes | None = None
        # How often the picture has changed.
        self.changes = 0

    def add(self, picture: bytes) -> bool | None:
        """Add a picture; return whether it is the same as the last one, ``None`` for the first."""
        last, self._last = self._last, picture
        if last is None:
            return None
        if is_same_picture(picture, last):
            return True
        self.changes += 1
        return False


def is_black(picture: bytes) -> bool:
    """Return whether a picture is black, apart from a few pixels."""
    dark = sum(1 for pixel in picture if pixel <= MAX_BLACK_BRIGHTNESS)
    return dark >= MIN_BLACK_SHARE * len(picture)


def is_same_picture(picture: bytes, other: bytes) -> bool:
    """Return whether two pictures of the same size differ by noise only."""
    return max(map(abs, map(sub, picture, other)), default=0) <= MAX_NOISE
