"""One host publishes the schedule, others follow it: real processes, and answers gone wrong."""

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

ADDRESS = "/schedule/file.json"


def _letters(text):
    return re.sub(r"[^a-z0-9]", "", text.lower())


def until(is_true, what, seconds=60):
    give_up = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < give_up, f"not within {seconds} s: {what()}"
        time.sleep(0.02)


def changed(schedule, *events, later=1):
    """Return a schedule with another programme of the hall, imported later."""
    hall = dataclasses.replace(schedule.rooms["hall"], slots=events)
    return dataclasses.replace(
        schedule,
        rooms={**schedule.rooms, "hall": hall},
        imported_at=NOW + timedelta(minutes=later),
    )


class TestPublished:
    def test_it_is_the_schedule_with_its_checksum(self, site, schedule_file):
        answer = site.get(ADDRESS)

        assert answer.body == schedule_file.read_bytes()
        assert answer.headers["Repr-Digest"] == repr_digest(answer.body)
        again = site.get(ADDRESS, headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_int, again.body) == (304, b"")

    def test_all_that_it_says_of_talks_is_said_to_viewers_too(self, site):
        document = site.get(ADDRESS).json
        pages = ("/schedule.xml", "/schedule.ics", "/schedule?day=all&view=list")
        public = html.unescape("".join(site.get(page).text for page in pages))

        said = {
            text
            for room in document["rooms"].values()
            for talk in room["events"]
            if not talk["generated"]
            for value in talk.values()
            for text in (value if isinstance(value, list) else [value])
            if isinstance(text, str) and not re.fullmatch(r"\d{4}-.*Z", text)
        }

        assert {"A subtitle", "Ada", "Plenary"} <= said
        # How each format writes signs is not the question.
        assert {text for text in said if _letters(text) not in _letters(public)} == set()

    def test_addresses_of_speakers_are_in_no_field(self, make_site, conference, tmp_path):
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

        said = make_site(**{"schedule.file": str(tmp_path / "imported.json")}).get(ADDRESS).text

        assert "Talk by" in said
        assert "secret.example" not in said

    def test_rooms_that_the_site_does_not_have_are_left_out(self, site, schedule_file):
        schedule = load_schedule(schedule_file)
        backstage = dataclasses.replace(
            schedule.rooms["lab"], events=(make_talk("11:00", 30, "Secret"),)
        )
        save_schedule(
            dataclasses.replace(schedule, rooms={**schedule.rooms, "backstage": backstage}),
            schedule_file,
        )

        assert set(site.get(ADDRESS).json["rooms"]) == {"hall", "lab"}

    def test_before_the_first_import_it_says_so(self, make_site, tmp_path):
        site = make_site(**{"schedule.file": str(tmp_path / "nothing.json")})

        answer = site.get(ADDRESS, status=503)

        assert answer.json == {"error": "there is no schedule here yet"}


@pytest.fixture(scope="module")
def publisher():
    """A server that answers as a test says, and notes what it was asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append(self.headers["If-None-Match"])
            status, headers, body = server.says
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}{ADDRESS}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def good(schedule, **more):
    body = serialize_schedule(schedule).encode()
    headers = {"ETag": '"1"', "Repr-Digest": repr_digest(body), "Content-Length": str(len(body))}
    return 200, headers | more, body


def _wrong(kind, schedule):
    newer = changed(schedule, make_talk("10:00", 60, "Another"))
    status, headers, body = good(newer)
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
        "older": good(changed(schedule, make_talk("10:00", 60, "Old"), later=-1)),
        "other-version": _with_digest(text.replace('"version": 1', '"version": 2')),
        "unknown-field": _with_digest(text.replace('"guid"', '"phone"')),
        "no-rooms": good(dataclasses.replace(newer, rooms={})),
        "not-utf-8": (200, {"Repr-Digest": repr_digest(b"\xff{")}, b"\xff{"),
        "too-large": good(newer),
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
        ("other-version", "has version 2"),
        ("unknown-field", "unknown field 'phone'"),
        ("no-rooms", "has no rooms"),
        ("not-utf-8", "it is not UTF-8"),
        ("too-large", "is larger than 100 bytes"),
    ],
)
def test_whatever_is_wrong_the_schedule_stays_and_the_log_says_it_once(
    publisher, schedule_file, caplog, kind, reason
):
    before = schedule_file.read_bytes()
    publisher.says = _wrong(kind, load_schedule(schedule_file))
    limit = 100 if kind == "too-large" else 10**6
    follower = ScheduleMirror(publisher.url, schedule_file, max_bytes=limit)

    assert [follower.poll(), follower.poll()] == [False, False]

    assert schedule_file.read_bytes() == before
    assert list(schedule_file.parent.glob(".*.draft")) == []
    [said] = [record.getMessage() for record in caplog.records]
    assert reason in said
    assert said.endswith("the schedule in service stays")
    assert publisher.url in said


def test_an_older_schedule_is_taken_where_that_is_wanted(publisher, schedule_file):
    older = changed(load_schedule(schedule_file), make_talk("10:00", 60, "Old"), later=-1)
    publisher.says = good(older)

    assert ScheduleMirror(publisher.url, schedule_file, max_bytes=10**6, accept_older=True).poll()

    assert load_schedule(schedule_file) == older


def test_what_has_not_changed_is_asked_for_by_name_only(publisher, schedule_file):
    newer = changed(load_schedule(schedule_file), make_talk("10:00", 60, "Another"))
    publisher.says = good(newer)
    publisher.asked.clear()
    follower = ScheduleMirror(publisher.url, schedule_file, max_bytes=10**6)
    assert follower.poll()
    publisher.says = (304, {}, b"")
    written = schedule_file.stat()

    assert follower.poll()

    assert publisher.asked == [None, '"1"']
    assert schedule_file.stat() == written
    # Whoever has lost the file is given it again.
    schedule_file.write_text("{")
    publisher.says = good(newer)
    assert follower.poll()
    assert publisher.asked[-1] is None
    assert load_schedule(schedule_file) == newer


def test_a_disk_that_is_full_costs_nothing_but_the_news(publisher, schedule_file, small_disk):
    target = small_disk / "schedule.json"
    target.write_bytes(schedule_file.read_bytes())
    before = load_schedule(target)
    publisher.says = good(changed(before, make_talk("10:00", 60, "Long", abstract="x" * 300_000)))

    assert not ScheduleMirror(publisher.url, target, max_bytes=10**6).poll()

    assert load_schedule(target) == before
    assert [path.name for path in small_disk.iterdir()] == ["schedule.json"]


def test_a_host_follows_another_while_that_comes_and_goes(conference, schedule_file, tmp_path):
    settings = {"schedule.file": str(schedule_file), **conference}
    publisher = Served(tmp_path, settings, app="frontend")
    publisher.start()
    (tmp_path / "elsewhere").mkdir()
    here = tmp_path / "elsewhere/schedule.json"
    ini = tmp_path / "elsewhere/follow.ini"
    ini.write_text(
        f"[DEFAULT]\nschedule.file = {here}\n"
        f"schedule.follow = http://127.0.0.1:{publisher.port}{ADDRESS}\n"
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
        until(here.exists, log.read_text)
        assert here.read_bytes() == schedule_file.read_bytes()

        newer = changed(load_schedule(schedule_file), make_talk("10:00", 60, "Another"))
        save_schedule(newer, schedule_file)
        until(lambda: load_schedule(here) == newer, log.read_text)

        publisher.kill()
        until(lambda: "stays" in log.read_text(), log.read_text)
        assert load_schedule(here) == newer

        newest = changed(newer, make_talk("10:00", 60, "Last"), later=2)
        save_schedule(newest, schedule_file)
        publisher.start(publisher.port)
        until(lambda: load_schedule(here) == newest, log.read_text)
    finally:
        follower.terminate()
        follower.wait()
        publisher.stop()
    said = log.read_text()
    assert said.count("gone: Another: hall, Tue 24 Nov 10:00–11:00") == 1
    assert said.count("new: Last: hall, Tue 24 Nov 10:00–11:00") == 1
    assert said.count("stays") == 1
    assert said.count("is good again") == 1


@pytest.mark.parametrize("url", ["ftp://host/x", "schedule.json", "http://"])
def test_an_address_that_cannot_be_followed_is_refused_in_one_line(tmp_path, url):
    ini = tmp_path / "follow.ini"
    ini.write_text("[DEFAULT]\nschedule.file = x\n[app:frontend]\nuse = egg:streaming-system\n")
    command = [Path(sys.executable).with_name("streaming-system"), "-c", ini]

    ended = subprocess.run(
        [*command, "schedule", "follow", url], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"'{url}' is no address to follow" in ended.stderr
