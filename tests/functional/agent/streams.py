"""Streams that ffmpeg encodes."""

import subprocess

# ffmpeg's sources of good and faulty streams.
PICTURES = {
    "good": "testsrc2=size=160x90:rate=10",
    "black": "color=black:size=160x90:rate=10",
    "frozen": "color=red:size=160x90:rate=10",
    "still": "color=yellow:size=160x90:rate=10",
}
SOUNDS = {"good": "sine=frequency=440", "silent": "anullsrc=channel_layout=stereo"}


def make_film(file, picture="good", sound="good", seconds=6):
    """Encode a file that ffmpeg plays like a stream."""
    inputs, codecs = [], []
    if picture:
        inputs += ["-f", "lavfi", "-i", PICTURES[picture]]
        codecs += ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "10"]
    if sound:
        inputs += ["-f", "lavfi", "-i", SOUNDS[sound]]
        codecs += ["-c:a", "aac", "-b:a", "32k"]
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", *inputs, *codecs, "-t", str(seconds), file],
        check=True,
    )
