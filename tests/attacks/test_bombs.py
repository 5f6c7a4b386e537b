"""Decompression bombs and other feeds that are much larger than their download.

Unlike the collected feeds of ``tests/parsers/test_hostile.py``, these are generated, so the tests
run on every machine.
"""

import gzip
import io
import json
import struct
import threading
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from streaming_system.net.ssrf import parse_allowed_networks
from streaming_system.plugin import FeedError, open_feed
from streaming_system.plugin_host.sandbox import ResourceLimits
from streaming_system.schedule_import.download import fetch_feed
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, parse_feed

MIB = 2**20
OPTIONS = FeedReaderOptions(
    limits=ResourceLimits(max_decompressed_bytes=8 * MIB, timeout=20, max_memory_bytes=300 * MIB)
)
# 200 of these compress to 200 kB.
BLOCK = b" " * MIB
NESTING_DEPTH = 100_000


def gzip_blocks(count):
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(BLOCK) for _ in range(count)) + packer.flush()


def make_zip(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def forge_sizes(archive, size):
    """Return a zip file that declares a size for each of its files."""
    archive = bytearray(archive)
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        position = archive.find(signature)
        while position >= 0:
            struct.pack_into("<I", archive, position + offset, size)
            position = archive.find(signature, position + 1)
    return bytes(archive)


def entities(kind):
    """Return XML with entities or external references."""
    if kind == "exponential":
        rows = [f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)]
        return f'<!DOCTYPE s [<!ENTITY a0 "x">{"".join(rows)}]><schedule>&a11;</schedule>'
    if kind == "quadratic":
        return f'<!DOCTYPE s [<!ENTITY a "{"x" * 50_000}">]><schedule>{"&a;" * 50_000}</schedule>'
    if kind == "file":
        return '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]><schedule>&a;</schedule>'
    if kind == "parameter":
        return '<!DOCTYPE s [<!ENTITY % a SYSTEM "http://127.0.0.1:9/"> %a;]><schedule/>'
    return '<!DOCTYPE schedule SYSTEM "http://127.0.0.1:9/schedule.dtd"><schedule/>'


def refusal(data):
    with pytest.raises(FeedError) as refused:
        parse_feed("feed", data, OPTIONS)
    [line] = str(refused.value).splitlines()
    return line


@pytest.mark.parametrize("kind", ["exponential", "quadratic", "file", "parameter", "external"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_xml_with_entities_is_refused(kind, encoding):
    line = refusal(entities(kind).encode(encoding))

    assert "DOCTYPE" in line or "not well-formed XML" in line
    assert "root:" not in line


def test_deeply_nested_xml_is_refused():
    data = "<schedule>" + "<a>" * NESTING_DEPTH + "</a>" * NESTING_DEPTH + "</schedule>"

    assert refusal(data.encode()).startswith("not well-formed XML: ")


@pytest.mark.parametrize("bracket", ["[", '{"a":'])
def test_deeply_nested_json_is_refused(bracket):
    assert refusal((bracket * NESTING_DEPTH).encode()) == "the JSON is nested too deeply"


def test_json_with_a_huge_number_is_refused_quickly():
    assert refusal(json.dumps({"schedule": 1}).replace("1", "9" * 1_000_000).encode()).startswith(
        "not valid JSON: "
    )


def test_gzip_bomb_is_refused():
    bomb = gzip_blocks(200)
    assert len(bomb) < MIB

    assert refusal(bomb) == "the feed inflates to more than 8,388,608 bytes"
    # Only one layer of gzip is decompressed.
    assert refusal(gzip.compress(bomb)) == "the feed is binary data, not text"


def test_zip_bomb_is_refused():
    assert refusal(make_zip(**{"sessions.json": BLOCK * 100})).endswith("or 8,388,608 bytes")


def test_zip_with_too_many_files_is_refused():
    many = {f"{number}.json": b"" for number in range(1001)}

    assert refusal(make_zip(**many)) == "the zip file holds more than 1000 files or 8,388,608 bytes"


def test_zip_bomb_with_forged_sizes_is_refused():
    bomb = forge_sizes(make_zip(**{"sessions.json": BLOCK * 100}), 100)
    assert len(bomb) < MIB

    with pytest.raises(FeedError, match=r"sessions\.json"):
        open_feed(bomb, max_bytes=8 * MIB).open_member("sessions.json")
    assert len(refusal(bomb)) < 600


def test_zip_member_names_write_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ("../../escaped", "/tmp/escaped-from-a-zip", "a/../../escaped")

    refusal(make_zip(**dict.fromkeys(names, b"[]")))

    assert list(tmp_path.rglob("*")) == []
    assert not (tmp_path.parent / "escaped").exists()


@pytest.fixture
def bomb_server():
    """A server that sends gzip bombs as transfer encodings."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Encoding", self.path.strip("/"))
            self.end_headers()
            body = gzip_blocks(200)
            for _ in range(self.path.count("gzip") - 1):
                body = gzip.compress(body)
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("encoding", ["gzip", "gzip,gzip", "gzip,gzip,gzip,gzip,gzip,gzip"])
def test_compressed_transfer_bomb_is_refused(bomb_server, encoding):
    networks = parse_allowed_networks({"outbound.allowed_private_networks": "127.0.0.1"})

    with pytest.raises(FeedError, match=r"is larger than|compression of the response is broken"):
        fetch_feed(f"{bomb_server}/{encoding}", max_bytes=4 * MIB, allowed_networks=networks)
