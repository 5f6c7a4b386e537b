"""A video with CEA-608 captions within the picture, as broadcast encoders make it."""

import re
import subprocess
from pathlib import Path

from programs import require
from timeouts import extended

SECONDS = 20
RATE = 30
TEXT = "HELLO HALL"
# Pop-on captions: load, erase, the row at the bottom, the text, display.
BEFORE_TEXT = ((0x14, 0x20), (0x14, 0x2E), (0x14, 0x70))
AFTER_TEXT = ((0x14, 0x2F),)
# Players have the whole cue once it is erased.
ERASE = (0x14, 0x2C)
START_CODE = b"\x00\x00\x00\x01"
SLICES = (1, 5)


def write_stream(folder: Path) -> None:
    """Write an HLS stream of 20 seconds, whose only captions are in its picture."""
    require("ffmpeg")
    folder.mkdir(parents=True)
    picture = subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i",
         f"testsrc2=size=160x90:rate={RATE}:duration={SECONDS}", "-c:v", "libx264", "-preset",
         "ultrafast", "-bf", "0", "-g", str(RATE), "-x264-params", "slices=1:sliced-threads=0",
         "-pix_fmt", "yuv420p", "-f", "h264", "-"],
        check=True, capture_output=True, timeout=extended(60),
    ).stdout  # fmt: skip
    (folder / "video.h264").write_bytes(_add_captions(picture))
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-r", str(RATE), "-i", "video.h264", "-c",
         "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_playlist_type", "vod",
         "stream.m3u8"],
        check=True, cwd=folder, timeout=extended(60),
    )  # fmt: skip


def _add_captions(picture: bytes) -> bytes:
    """Add a pair of characters to each picture; the text is repeated every second."""
    characters = zip(TEXT.encode()[::2], TEXT.encode()[1::2], strict=True)
    pairs = [*BEFORE_TEXT, *characters, *AFTER_TEXT]
    pairs += [*[(0, 0)] * (RATE - 1 - len(pairs)), ERASE]
    stream, number = b"", 0
    for unit in re.split(rb"\x00\x00\x00?\x01", picture)[1:]:
        if unit[0] & 0x1F in SLICES:
            stream += START_CODE + _caption_unit(*pairs[number % RATE])
            number += 1
        stream += START_CODE + unit
    return stream


def _caption_unit(first: int, second: int) -> bytes:
    """Return the SEI message of ATSC A/53 with a pair for the first channel."""
    triplet = bytes([0xFC, _with_parity(first), _with_parity(second)])
    payload = b"\xb5\x00\x31GA94\x03" + bytes([0xC1, 0xFF]) + triplet + b"\xff"
    return bytes([0x06, 0x04, len(payload)]) + payload + b"\x80"


def _with_parity(character: int) -> int:
    return character if character.bit_count() % 2 else character | 0x80
