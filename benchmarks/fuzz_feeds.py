"""Coverage-guided fuzzing of the feed parsers: `make fuzz`.

It starts from a small valid feed of every format. It stops at the first feed whose result is
neither talks nor a :class:`FeedError`, and writes that feed to a file.
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

    # The import inside of the block instruments the parsers, too.
    PARSERS = load_parsers()

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from parsers.samples import all_samples

DURATION_SECONDS = 60
BERLIN = ZoneInfo("Europe/Berlin")


def fuzz_one(data: bytes) -> None:
    """Parse one feed; raise an error unless it is valid or rejected with a FeedError."""
    try:
        feed = open_feed(data)
        parser = select_parser(feed, PARSERS)
        result, _ = parse_and_validate(feed, parser, BERLIN)
    except FeedError as error:
        if "failed:" in str(error):
            raise RuntimeError(str(error)) from error
        return
    if not all(talk.start < talk.end and talk.rooms for talk in result.talks):
        raise RuntimeError("the result has a talk without length or room")


def main() -> None:
    """Fuzz for a limited time."""
    logging.disable()
    with tempfile.TemporaryDirectory() as corpus:
        for name, sample in all_samples().items():
            (Path(corpus) / name).write_bytes(sample)
        arguments = [
            sys.argv[0],
            f"-max_total_time={DURATION_SECONDS}",
            "-max_len=8192",
            "-timeout=10",
        ]
        atheris.Setup([*arguments, *sys.argv[1:], corpus], fuzz_one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
