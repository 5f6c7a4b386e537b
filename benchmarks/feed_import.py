"""What it costs to read a feed, next to what its parts cost alone: a row of `make bench`.

Times on one machine say nothing about another, so only ratios of one run are printed.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import nh3
from lxml import etree

from streaming_system.plugin import open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

ROUNDS = 5
WORDS = "<p>A conference takes <b>people</b>, cables and <a href='https://e.example/'>time</a>. "


def document(events: int, abstract: int = 2800) -> bytes:
    """Return a schedule.xml with that many events over 30 rooms, about 3 kB each."""
    start = datetime(2026, 2, 1, 9, tzinfo=UTC)
    text = etree.CDATA((WORDS * (abstract // len(WORDS) + 1))[:abstract])
    root = etree.Element("schedule")
    conference = etree.SubElement(root, "conference")
    etree.SubElement(conference, "title").text = "Benchmark"
    day = etree.SubElement(root, "day", date="2026-02-01")
    rooms = [etree.SubElement(day, "room", name=f"Room {number}") for number in range(30)]
    for number in range(events):
        event = etree.SubElement(rooms[number % 30], "event", id=str(number + 1))
        moment = start + timedelta(minutes=30 * (number // 30))
        for name, value in (
            ("date", moment.isoformat()),
            ("duration", "00:25"),
            ("title", f"Talk number {number}"),
            ("abstract", text),
        ):
            etree.SubElement(event, name).text = value
    return etree.tostring(root, encoding="utf-8", xml_declaration=True)


def fastest(job: Callable[[], object]) -> float:
    """Return the seconds of the fastest of some rounds: the others were disturbed."""
    times = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        job()
        times.append(time.perf_counter() - begun)
    return min(times)


def parts(data: bytes) -> None:
    """Do what nobody can do without: parse the XML, clean the abstracts."""
    for abstract in etree.fromstring(data).iter("abstract"):
        nh3.clean(abstract.text or "")


def reader() -> Callable[[bytes], object]:
    """Return what reads a feed as the import does."""
    parsers = load_parsers()

    def read(data: bytes) -> object:
        feed = open_feed(data)
        return parse_and_validate(feed, select_parser(feed, parsers))

    return read


def main() -> None:
    """Measure and print."""
    ours = reader()
    data = document(900)
    alone, whole = fastest(lambda: parts(data)), fastest(lambda: ours(data))
    print(f"schedule.xml, 900 events, {len(data) / 1e6:.1f} MB")
    ratio = whole / alone
    print(f"  reading it / parsing the XML and cleaning the abstracts: {ratio:.2f} (at most 3)")
    base = None
    for events in (1000, 2000, 4000):
        data = document(events)
        cost = fastest(lambda data=data: ours(data)) / events
        base = base or cost
        print(f"  cost of an event among {events}, over that among 1000: {cost / base:.2f}")


if __name__ == "__main__":
    main()
