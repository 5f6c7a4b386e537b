"""Looks for feeds that make a parser fail, led by the code that they reach. Run by `make fuzz`.

It starts from a small good feed of every format. It stops at the first feed that ends in anything
else than talks or a :class:`FeedError`, and writes that feed to a file.
"""

import logging
import sys
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import atheris

with atheris.instrument_imports(include=["streaming_system"]):
    from streaming_system.plugin import FeedError, open_feed
    from streaming_system.schedule_import.parsers import (
        load_parsers,
        parse_and_validate,
        select_parser,
    )

    # The parsers are imported here, so that they are watched, too.
    PARSERS = load_parsers()

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from parsers.samples import all_samples

SECONDS = 60
BERLIN = ZoneInfo("Europe/Berlin")


def test_one(data: bytes) -> None:
    """Read one feed; whatever is not a refusal is a find."""
    try:
        feed = open_feed(data)
        found = select_parser(feed, PARSERS)
        checked, _ = parse_and_validate(feed, found, BERLIN)
    except FeedError as error:
        if "failed:" in str(error):
            raise RuntimeError(str(error)) from error
        return
    if not all(talk.start < talk.end and talk.rooms for talk in checked.talks):
        raise RuntimeError("a talk without length or room came through")


def main() -> None:
    """Fuzz for a bounded time."""
    logging.disable()
    with tempfile.TemporaryDirectory() as corpus:
        for name, sample in all_samples().items():
            (Path(corpus) / name).write_bytes(sample)
        arguments = [sys.argv[0], f"-max_total_time={SECONDS}", "-max_len=8192", "-timeout=10"]
        atheris.Setup([*arguments, *sys.argv[1:], corpus], test_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
