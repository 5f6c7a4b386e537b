"""Foreign documents: a broken field costs only itself, and a broken document is one clear line."""

import json
import math
import re
from xml.etree import ElementTree

import foreign_samples as samples
import pytest
from depth import scaled
from foreign_readers import READERS, FakePool, recorded_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streaming_system.agent import probe

# What people must never see: names of exceptions, representations of objects, Python's words.
PYTHON = re.compile(
    r"\w+Error\b|\w+Exception\b|object at 0x|Traceback|NoneType|subscriptable|"
    r"Expecting|codec can't|invalid literal|not well-formed|internal error"
)
HTML = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
    b"Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
BROKEN_DOCUMENTS = {
    "empty": b"",
    "blank": b" \r\n",
    "HTML": HTML,
    "HTML 5": b"<!DOCTYPE html><html lang=en><title>Log in</title>",
    "text": b"Internal Server Error: please try again later",
    "binary": bytes(range(256)),
    "deep JSON": b'{"a":' * 100_000,
    "deep lists": b"[" * 100_000,
    "deep XML": b"<a>" * 100_000,
    "null": b"null",
    "number": b"3",
    "list": b"[[]]",
    "object": b'{"error": {"code": 1}}',
    "XML": b"<error><code>1</code></error>",
    "UTF-16": '{"error": 1'.encode("utf-16"),
    "long number": b"9" * 10_000,
}
MISSING = object()
WRONG_VALUES = (
    None, True, "", "x", "-1", -1, 0.5, 10**400, float("nan"), float("inf"), [], {}, [[[]]],
    {"a": {"b": [1]}}, [None], "\x00\ud800", "http://[", "2026-13-45", "0001-01-01T00:00:00+14:00",
    "9" * 5000, MISSING,
)  # fmt: skip
WRONG_TEXTS = (
    "", "x", "-1", "0.5", "NaN", "1e999", "9" * 5000, "<b/>", "<b>1</b>x", "&", "&nbsp;", "\x01",
    "\udcff", "<![CDATA[<]]>", None,
)  # fmt: skip
# Each place gets every third wrong value, another third than the place before.
WRONG_STEP = scaled(3, 1)
SETTINGS = settings(
    max_examples=scaled(5, 100), deadline=None, suppress_health_check=list(HealthCheck)
)
JSON_READERS = [
    (name, path)
    for name, reader in READERS.items()
    for path, document in reader.documents.items()
    if not isinstance(document, str)
]
XML_READERS = [
    name for name, reader in READERS.items() if isinstance(reader.documents.get("*"), str)
]


class Reading:
    """A reader with its server."""

    def __init__(self, name, folder):
        self.reader = READERS[name]
        self.pool = FakePool(dict(self.reader.encoded))
        self._poll = self.reader.start(self.pool, folder)

    def poll(self, changed=()):
        """Read once; return the rooms, and the lines that people see."""
        self.pool.documents = self.reader.encoded | dict(changed)
        with recorded_lines() as lines:
            rooms = self._poll()
        for line in lines:
            assert not PYTHON.search(line), line
            assert line.isprintable(), line
            assert len(line) <= 500
        return rooms, lines


@pytest.fixture
def reading(tmp_path, monkeypatch):
    """Return a function that starts a reader. Its rates do not depend on the speed of the test."""
    monkeypatch.setattr(probe, "MIN_RATE_SECONDS", math.inf)
    return lambda name: Reading(name, tmp_path)


def member_paths(value, path=()):
    """Return the paths of all members of a document."""
    paths = [path] if path else []
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    for key, inner in items:
        paths += member_paths(inner, (*path, key))
    return paths


def change(value, path, new):
    """Return a copy of a document with another value at a path."""
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) > 1:
        copy[path[0]] = change(value[path[0]], path[1:], new)
    elif new is MISSING:
        del copy[path[0]]
    else:
        copy[path[0]] = new
    return copy


def rooms_of(document, path, names):
    """Return the rooms that a member belongs to: one if it is within the item of a room."""
    place, value = (), document
    for key in path:
        place, value = (*place, key), value[key]
        if key in names:
            return {key}
        if isinstance(key, int):
            text = json.dumps(value)
            found = {name for name in names if re.search(rf"\b{name}\b", text)}
            return found or set(names)
    return set()


def assert_others_are_read(rooms, expected, touched, context):
    for name, sample in expected.items():
        if name not in touched:
            assert (rooms or {}).get(name) == sample, context


def wrong_members(document, name, server_path):
    """Yield each document with one wrong member, and what is still to be read of it."""
    reader = READERS[name]
    room_of_path = {room for room in reader.names if server_path.endswith(f"/{room}")}
    for number, path in enumerate(member_paths(document)):
        if room_of_path or len(reader.names) == 1:
            touched = room_of_path or set(reader.names)
        elif path[-1] in reader.vital:
            touched = set(reader.names)
        else:
            touched = rooms_of(document, path, reader.names)
        for value in WRONG_VALUES[number % WRONG_STEP :: WRONG_STEP]:
            yield path, value, touched


@pytest.mark.parametrize(("name", "server_path"), JSON_READERS)
def test_wrong_member_costs_no_other_room(reading, name, server_path):
    reader, started = READERS[name], reading(name)
    document = reader.documents[server_path]
    expected, lines = started.poll()
    assert (set(expected), lines) == (set(reader.names), [])

    for path, value, touched in wrong_members(document, name, server_path):
        changed = change(document, path, value)
        rooms, _ = started.poll({server_path: json.dumps(changed).encode()})
        assert_others_are_read(rooms, expected, touched, (path, value))


@pytest.mark.parametrize("name", XML_READERS)
def test_wrong_element_costs_no_other_room(reading, name):
    reader, started = READERS[name], reading(name)
    expected, lines = started.poll()
    assert (set(expected), lines) == ({"hall", "lab"}, [])
    count = len(list(ElementTree.fromstring(reader.documents["*"]).iter()))

    for index in range(count):
        for text in WRONG_TEXTS[index % WRONG_STEP :: WRONG_STEP]:
            data, touched = wrong_element(reader.documents["*"], index, text)
            rooms, _ = started.poll({"*": data})
            assert_others_are_read(rooms, expected, touched, (index, text))


def wrong_element(document, index, text):
    """Return a document with another content of an element, and the rooms that it belongs to."""
    root = ElementTree.fromstring(document)
    element = list(root.iter())[index]
    parents = {child: parent for parent in root.iter() for child in parent}
    is_shared = element.tag == "name" or any(
        inner.tag in ("source", "stream") for inner in element.iter()
    )
    touched = {"hall", "lab"} if is_shared else set()
    place = element
    while place is not None:
        if place.tag in ("source", "stream"):
            within = ElementTree.tostring(place, "unicode")
            touched = {room for room in ("hall", "lab") if room in within}
        place = parents.get(place)
    if text is None:
        if element in parents:
            parents[element].remove(element)
        return ElementTree.tostring(root), touched
    for child in list(element):
        element.remove(child)
    element.text = "REPLACED"
    changed = ElementTree.tostring(root, "unicode").replace("REPLACED", text)
    return changed.encode("utf-8", "surrogateescape"), touched


@pytest.mark.parametrize("kind", BROKEN_DOCUMENTS)
@pytest.mark.parametrize("name", READERS)
def test_broken_document_is_one_clear_line_once(reading, name, kind):
    assert_one_clear_line(reading(name), BROKEN_DOCUMENTS[kind], is_list=kind == "list")


@pytest.mark.parametrize("name", [name for name in READERS if name != "command"])
def test_huge_document_is_one_clear_line_once(reading, name):
    # The output of a command is bounded where the command runs.
    assert_one_clear_line(reading(name), b"[" + b"0," * 25_000_000)


def assert_one_clear_line(started, body, *, is_list=False):
    """Read a broken document thrice, and then a good one."""
    expected, _ = started.poll()
    broken = dict.fromkeys(started.reader.encoded, body)
    # A timeline is a list, and this one has no valid posts.
    nothing = {} if is_list and "ann" in expected else None

    readings = [started.poll(broken) for _ in range(3)]
    lines = [line for _, lines in readings for line in lines]
    assert [rooms for rooms, _ in readings] == [nothing] * 3
    assert len(lines) == 1, lines
    rooms, good = started.poll()

    assert rooms == expected
    assert len(good) == 1
    assert good[0].endswith("is good again")


@pytest.mark.parametrize("name", READERS)
def test_cut_document_has_no_wrong_sample(reading, name):
    started = reading(name)
    expected, _ = started.poll()
    path, whole = next(iter(started.reader.encoded.items()))
    lines = []

    for end in range(0, len(whole) - 1, max(1, len(whole) // scaled(30, 300))):
        rooms, new = started.poll({path: whole[:end]})
        lines += new
        assert rooms is None or all(expected[room] == rooms[room] for room in rooms), whole[:end]

    # "Is empty", "is cut off" and, for some, "is XML that is cut off".
    assert 1 <= len(lines) <= 4, lines


@pytest.mark.parametrize(("name", "server_path"), JSON_READERS)
def test_unusual_encodings_are_read(reading, name, server_path):
    started = reading(name)
    expected, _ = started.poll()
    data = started.reader.encoded[server_path]
    text = data.decode()

    for variant in (
        b"\xef\xbb\xbf" + data,
        text.encode("utf-16"),
        b"\r\n" + data + b"\r\n",
        # Of duplicate keys, the last one counts, as in JavaScript.
        data.replace(b"{", b'{"x": 1, "x": 2, ', 1),
        data.replace(b"{", b'{"x": "\xff\x01\t", ', 1),
        data.replace(b"{", b'{"x": NaN, "y": -Infinity, "z": ' + b"9" * 9999 + b", ", 1),
    ):
        assert started.poll({server_path: variant}) == (expected, [])


@pytest.mark.parametrize("name", READERS)
@SETTINGS
@given(data=st.data())
def test_random_bytes_crash_no_reader(tmp_path_factory, name, data):
    started = Reading(name, tmp_path_factory.mktemp("reader"))
    documents = {}
    for path, whole in started.reader.encoded.items():
        changed = bytearray(whole)
        for _ in range(data.draw(st.integers(1, 4))):
            offset = data.draw(st.integers(0, len(changed)))
            length = data.draw(st.integers(0, 20))
            changed[offset : offset + length] = data.draw(st.binary(max_size=20))
        documents[path] = bytes(changed)

    started.poll(documents)


def test_changing_value_is_logged_once(reading):
    started = reading("srs")
    stream = samples.SRS["streams"][0]
    lines = []
    for clients in (-5, -6, -700, 8):
        document = samples.SRS | {"streams": [stream | {"clients": clients}]}
        lines += started.poll({"*": json.dumps(document).encode()})[1]

    assert lines == [
        "one live/hall: invalid stats: clients is -6, which is no number from 0 to 10000000",
        "one live/hall: is good again",
    ]


def test_invalid_field_is_named(reading):
    started = reading("srs")
    streams = samples.SRS["streams"]
    document = samples.SRS | {"streams": [streams[0] | {"kbps": 3}, 7]}

    rooms, lines = started.poll({"*": json.dumps(document).encode()})

    assert rooms == {"hall": (7, None, None, "H264, AAC")}
    assert lines == [
        "one response: streams[1] is 7, and no object; streams[0].kbps is 3, and no object; "
        "other fields apply"
    ]


@pytest.mark.parametrize(
    ("name", "body", "line"),
    [
        (
            "srs",
            HTML,
            "one: http://stream.example.org:8000/api/v1/streams/?count=1000: the response is no "
            "JSON, but an HTML page titled '502 Bad Gateway'; expected stats of srs, so check url "
            "in [source:one]",
        ),
        (
            "icecast",
            b'{"icestats": [',
            "one: http://stream.example.org:8000/status-json.xsl: the response is no JSON: it is "
            "cut off; expected stats of icecast, so check url in [source:one]",
        ),
        (
            "nginx_rtmp",
            b"",
            "one: http://stream.example.org:8000: the response is no XML: it is empty; expected "
            "stats of nginx_rtmp, so check url in [source:one]",
        ),
        (
            "command",
            b"usage: stats [-h]",
            "one: the response is no JSON, but the text 'usage: stats [-h]'; expected stats of "
            "command, so check command in [source:one]",
        ),
        (
            "streams.json",
            b"[]",
            "http://stream.example.org:8000/x: the response has no rooms, so it is not that of a "
            "tracker; check its address, and whether it runs; pages do not show its data",
        ),
    ],
)
def test_line_says_what_came_what_was_expected_and_what_to_do(reading, name, body, line):
    started = reading(name)

    _, lines = started.poll({"*": body})

    assert lines == [line]
