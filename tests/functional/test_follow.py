"""A host publishes its schedule, and another one follows it."""

import dataclasses
import html
import json
import re
import subprocess
import sys
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from streaming_system.config import load_conference
from streaming_system.schedule.storage import (
    load_schedule,
    repr_digest,
    save_schedule,
    serialize_schedule,
)
from streaming_system.schedule_import.feed_reader import FeedReaderOptions
from streaming_system.schedule_import.importer import import_schedule
from streaming_system.schedule_import.mirror import ScheduleMirror

from .pages import NOW, make_talk
from .served import Served

PATH = "/schedule/file.json"


def _normalise(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def wait_until(is_true, describe, seconds=60):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {describe()}"
        time.sleep(0.02)


def changed(schedule, *events, later=1):
    """Return a schedule with other talks in the hall, imported ``later`` minutes later."""
    hall = dataclasses.replace(schedule.rooms["hall"], slots=events)
    return dataclasses.replace(
        schedule,
        rooms={**schedule.rooms, "hall": hall},
        imported_at=NOW + timedelta(minutes=later),
    )


class TestPublishedSchedule:
    def test_schedule_file_has_a_checksum_and_an_etag(self, site, schedule_file):
        response = site.get(PATH)

        assert response.body == schedule_file.read_bytes()
        assert response.headers["Repr-Digest"] == repr_digest(response.body)
        again = site.get(PATH, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_int, again.body) == (304, b"")

    def test_schedule_file_has_only_texts_that_the_pages_have(self, site):
        document = site.get(PATH).json
        pages = ("/schedule.xml", "/schedule.ics", "/schedule?day=all&view=list")
        public = html.unescape("".join(site.get(page).text for page in pages))

        texts = {
            text
            for room in document["rooms"].values()
            for talk in room["events"]
            if not talk["filler"]
            # Exports have a UUID instead of a guid that is no UUID.
            for key, value in talk.items()
            if key != "guid"
            for text in (value if isinstance(value, list) else [value])
            if isinstance(text, str) and not re.fullmatch(r"\d{4}-.*Z", text)
        }

        assert {"A subtitle", "Ada", "Plenary"} <= texts
        # Formats differ in how they write punctuation.
        assert {text for text in texts if _normalise(text) not in _normalise(public)} == set()

    def test_email_addresses_are_in_no_field(self, make_site, conference, tmp_path):
        feed = {
            "Title": "Talk by ada@secret.example", "Room Name": "Great Hall",
            "Start": "2026-11-24 09:00:00", "Duration": "0:45:00", "Id": "1",
            "Presenters": "Ada <ada@secret.example>", "Description": "Ask ada@secret.example.",
            "Email": "ada@secret.example", "URL": "mailto:ada@secret.example",
        }  # fmt: skip
        (tmp_path / "feed.json").write_text(json.dumps([feed]))
        public = {"hall": {"schedule": "feed.json", "schedule-key": "Great Hall",
                           "schedule-timezone": "Europe/Berlin"}}  # fmt: skip
        config = Path(conference["config.public"])
        config.write_text(json.dumps(public))
        loaded = load_conference(config, tmp_path / "none.json")
        import_schedule(loaded, FeedReaderOptions(format=""), tmp_path / "imported.json", now=NOW)

        text = make_site(**{"schedule.file": str(tmp_path / "imported.json")}).get(PATH).text

        assert "Talk by" in text
        assert "secret.example" not in text

    def test_unknown_rooms_are_omitted(self, site, schedule_file):
        schedule = load_schedule(schedule_file)
        backstage = dataclasses.replace(
            schedule.rooms["lab"], slots=(make_talk("11:00", 30, "Secret"),)
        )
        save_schedule(
            dataclasses.replace(schedule, rooms={**schedule.rooms, "backstage": backstage}),
            schedule_file,
        )

        assert set(site.get(PATH).json["rooms"]) == {"hall", "lab"}

    def test_missing_schedule_is_a_503(self, make_site, tmp_path):
        site = make_site(**{"schedule.file": str(tmp_path / "nothing.json")})

        response = site.get(PATH, status=503)

        assert response.json == {"error": "there is no schedule here yet"}


@pytest.fixture(scope="module")
def publisher():
    """A server that sends a configured response and records the ETags of requests."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.etags.append(self.headers["If-None-Match"])
            status, headers, body = server.response
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.etags = []
        server.url = f"http://127.0.0.1:{server.server_port}{PATH}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def valid_response(schedule, **more_headers):
    body = serialize_schedule(schedule).encode()
    headers = {"ETag": '"1"', "Repr-Digest": repr_digest(body), "Content-Length": str(len(body))}
    return 200, headers | more_headers, body


def _invalid_response(kind, schedule):
    newer = changed(schedule, make_talk("10:00", 60, "Another"))
    status, headers, body = valid_response(newer)
    page = b"<!doctype html><title>Log in to the hotel's network</title>"
    text = body.decode()
    return {
        "truncated": (status, headers, body[:-9]),
        "truncated-quietly": (status, headers | {"Content-Length": str(len(body) - 9)}, body[:-9]),
        "changed": (status, headers, body.replace(b"Another", b"Anothex")),
        "no-checksum": (status, {"ETag": '"1"'}, body),
        "html": (200, {"Content-Type": "text/html"}, page),
        "html-with-checksum": (200, {"Repr-Digest": repr_digest(page)}, page),
        "500": (500, headers, body),
        "503": (503, {}, b""),
        "unasked-304": (304, {}, b""),
        "older": valid_response(changed(schedule, make_talk("10:00", 60, "Old"), later=-1)),
        "other-version": _with_digest(text.replace('"version": 3', '"version": 4')),
        "unknown-field": _with_digest(text.replace('"guid"', '"phone"')),
        "no-rooms": valid_response(dataclasses.replace(newer, rooms={})),
        "not-utf-8": (200, {"Repr-Digest": repr_digest(b"\xff{")}, b"\xff{"),
        "too-large": valid_response(newer),
    }[kind]


def _with_digest(text):
    body = text.encode()
    return 200, {"Repr-Digest": repr_digest(body)}, body


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncated", "cannot be downloaded"),
        ("truncated-quietly", "the checksum does not match"),
        ("changed", "the checksum does not match"),
        ("no-checksum", "has no checksum (Repr-Digest)"),
        ("html", "has no checksum (Repr-Digest)"),
        ("html-with-checksum", "is not a schedule"),
        ("500", "the server answered 500"),
        ("503", "the server answered 503"),
        ("unasked-304", "the server answered 304"),
        ("older", "--accept-older"),
        ("other-version", "has version 4"),
        ("unknown-field", "unknown field 'phone'"),
        ("no-rooms", "has no rooms"),
        ("not-utf-8", "it is not UTF-8"),
        ("too-large", "is larger than 100 bytes"),
    ],
)
def test_invalid_response_keeps_the_schedule_and_is_logged_once(
    publisher, schedule_file, caplog, kind, reason
):
    before = schedule_file.read_bytes()
    publisher.response = _invalid_response(kind, load_schedule(schedule_file))
    limit = 100 if kind == "too-large" else 10**6
    mirror = ScheduleMirror(publisher.url, schedule_file, max_bytes=limit)

    assert [mirror.poll(), mirror.poll()] == [False, False]

    assert schedule_file.read_bytes() == before
    assert list(schedule_file.parent.glob(".*.draft")) == []
    [message] = [record.getMessage() for record in caplog.records]
    assert reason in message
    assert message.endswith("the schedule in service stays")
    assert publisher.url in message


def test_accept_older_replaces_a_newer_schedule(publisher, schedule_file):
    older = changed(load_schedule(schedule_file), make_talk("10:00", 60, "Old"), later=-1)
    publisher.response = valid_response(older)

    assert ScheduleMirror(publisher.url, schedule_file, max_bytes=10**6, accept_older=True).poll()

    assert load_schedule(schedule_file) == older


def test_unchanged_schedule_is_requested_with_its_etag(publisher, schedule_file):
    newer = changed(load_schedule(schedule_file), make_talk("10:00", 60, "Another"))
    publisher.response = valid_response(newer)
    publisher.etags.clear()
    mirror = ScheduleMirror(publisher.url, schedule_file, max_bytes=10**6)
    assert mirror.poll()
    publisher.response = (304, {}, b"")
    before = schedule_file.stat()

    assert mirror.poll()

    assert publisher.etags == [None, '"1"']
    assert schedule_file.stat() == before
    # A lost file is downloaded again.
    schedule_file.write_text("{")
    publisher.response = valid_response(newer)
    assert mirror.poll()
    assert publisher.etags[-1] is None
    assert load_schedule(schedule_file) == newer


def test_full_disk_keeps_the_schedule(publisher, schedule_file, small_disk):
    target = small_disk / "schedule.json"
    target.write_bytes(schedule_file.read_bytes())
    before = load_schedule(target)
    publisher.response = valid_response(
        changed(before, make_talk("10:00", 60, "Long", abstract="x" * 300_000))
    )

    assert not ScheduleMirror(publisher.url, target, max_bytes=10**6).poll()

    assert load_schedule(target) == before
    assert [path.name for path in small_disk.iterdir()] == ["schedule.json"]


def test_follower_survives_restarts_of_the_publisher(conference, schedule_file, tmp_path):
    settings = {"schedule.file": str(schedule_file), **conference}
    publisher = Served(tmp_path, settings, app="frontend")
    publisher.start()
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere/schedule.json"
    ini = tmp_path / "elsewhere/follow.ini"
    ini.write_text(
        f"[DEFAULT]\nschedule.file = {copy}\n"
        f"schedule.follow = http://127.0.0.1:{publisher.port}{PATH}\n"
        "[app:frontend]\nuse = egg:streaming-system#frontend\n"
    )
    log = tmp_path / "elsewhere/log"
    with log.open("w") as output:
        follower = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("streaming-system"), "-c", ini),
                *("schedule", "follow", "--interval", "0.1"),
            ],
            stderr=output,
        )
    try:
        wait_until(copy.exists, log.read_text)
        assert copy.read_bytes() == schedule_file.read_bytes()

        newer = changed(load_schedule(schedule_file), make_talk("10:00", 60, "Another"))
        save_schedule(newer, schedule_file)
        wait_until(lambda: load_schedule(copy) == newer, log.read_text)

        publisher.kill()
        wait_until(lambda: "stays" in log.read_text(), log.read_text)
        assert load_schedule(copy) == newer

        newest = changed(newer, make_talk("10:00", 60, "Last"), later=2)
        save_schedule(newest, schedule_file)
        publisher.start(publisher.port)
        wait_until(lambda: load_schedule(copy) == newest, log.read_text)
        # The log follows the file.
        wait_until(lambda: "new: Last: hall" in log.read_text(), log.read_text)
    finally:
        follower.terminate()
        follower.wait()
        publisher.stop()
    output = log.read_text()
    assert output.count("gone: Another: hall, Tue 24 Nov 10:00–11:00") == 1
    assert output.count("new: Last: hall, Tue 24 Nov 10:00–11:00") == 1
    assert output.count("stays") == 1
    assert output.count("is good again") == 1


@pytest.mark.parametrize("url", ["ftp://host/x", "schedule.json", "http://"])
def test_invalid_url_is_one_line(tmp_path, url):
    ini = tmp_path / "follow.ini"
    ini.write_text("[DEFAULT]\nschedule.file = x\n[app:frontend]\nuse = egg:streaming-system\n")
    command = [Path(sys.executable).with_name("streaming-system"), "-c", ini]

    completed = subprocess.run(
        [*command, "schedule", "follow", url], capture_output=True, text=True, check=False
    )

    assert (completed.returncode, completed.stderr.count("\n")) == (1, 1)
    assert f"'{url}' is no address to follow" in completed.stderr
