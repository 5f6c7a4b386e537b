"""The cost of importing a feed, relative to its necessary parts: a row of `make bench`.

It prints ratios within one run, because absolute times depend on the machine.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import nh3
from lxml import etree

from streaming_system.plugin import open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

ROUNDS = 5
SENTENCE = "<p>A conference takes <b>people</b>, cables and <a href='https://e.example/'>time</a>. "


def build_feed(events: int, abstract: int = 2800) -> bytes:
    """Return a schedule.xml with that many events in 30 rooms, about 3 kB each."""
    start = datetime(2026, 2, 1, 9, tzinfo=UTC)
    text = etree.CDATA((SENTENCE * (abstract // len(SENTENCE) + 1))[:abstract])
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


def min_seconds(job: Callable[[], object]) -> float:
    """Return the seconds of the fastest round: the others were disturbed."""
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return min(times)


def parse_xml_and_sanitise(data: bytes) -> None:
    """Do the necessary parts only: parse the XML, sanitise the abstracts."""
    for abstract in etree.fromstring(data).iter("abstract"):
        nh3.clean(abstract.text or "")


def make_reader() -> Callable[[bytes], object]:
    """Return a function that reads a feed like the import."""
    parsers = load_parsers()

    def read_feed(data: bytes) -> object:
        feed = open_feed(data)
        return parse_and_validate(feed, select_parser(feed, parsers))

    return read_feed


def main() -> None:
    read_feed = make_reader()
    data = build_feed(900)
    baseline, total = (
        min_seconds(lambda: parse_xml_and_sanitise(data)),
        min_seconds(lambda: read_feed(data)),
    )
    print(f"schedule.xml, 900 events, {len(data) / 1e6:.1f} MB")
    ratio = total / baseline
    print(f"  reading / parsing the XML and sanitising the abstracts: {ratio:.2f} (at most 3)")
    base = None
    for events in (1000, 2000, 4000):
        data = build_feed(events)
        cost = min_seconds(lambda data=data: read_feed(data)) / events
        base = base or cost
        print(f"  cost per event with {events} events, relative to 1000: {cost / base:.2f}")


if __name__ == "__main__":
    main()
