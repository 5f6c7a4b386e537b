"""Viewers send feedback on talks: by the API, and by the form of a page without JavaScript."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.schedule.model import RoomSchedule, Schedule
from streaming_system.schedule.storage import save_schedule
from streaming_system.tracker.history.maintenance import run_maintenance
from streaming_system.tracker.models import AuditEntry, TalkFeedback

from .crew_pages import log_in, submit
from .pages import SYDNEY, make_talk

KEYNOTE = make_talk("10:00", 60, "Keynote")
LATER = make_talk("14:00", 60, "Later")
# A plenary talk of the hall, which the lab shows, too.
RELAYED = make_talk("11:00", 30, "Plenary")
ELSEWHERE = make_talk("10:00", 60, "Elsewhere")
TALK = "guid-Keynote"
BROWSER = "0123456789abcdef0123456789abcdef"
OTHER_BROWSER = "fedcba98-7654-3210-fedc-ba9876543210"
EVIL = "<script>alert(1)</script>"


class Viewers:
    """A tracker whose clock the test sets, and the browsers of viewers."""

    def __init__(self, app, address="203.0.113.1"):
        self.now = KEYNOTE.start + timedelta(minutes=30)
        app.registry["clock"] = lambda: self.now
        self.client = TestApp(app, extra_environ={"REMOTE_ADDR": address})

    def send(self, talk=TALK, status=200, headers=None, **members):
        body = {"stars": 4, "browser": BROWSER} | members
        path = f"/api/v1/talks/{talk}/feedback"
        return self.client.post_json(path, body, headers=headers, status=status).json

    def submit(self, talk=TALK, status=303, headers=None, query="", **fields):
        """Submit the form."""
        path = f"/talk/{talk}/feedback{query}"
        return self.client.post(
            path, {"stars": "4", "comment": ""} | fields, headers=headers, status=status
        )

    def metrics(self):
        text = self.client.get("/metrics").text
        return {
            sample.labels["result"]: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "streaming_feedback_total"
        }


def problem(body):
    return body["type"].partition("#")[2]


def result_of(response):
    return parse_qs(urlsplit(response.location).query)["feedback"][0]


@pytest.fixture
def settings(tracker_settings, schedule_file):
    path = Path(tracker_settings["config.public"])
    config = json.loads(path.read_text())
    config["default"]["feedback"] = "internal"
    config["lab"]["feedback"] = "https://f.example/{talk}"
    path.write_text(json.dumps(config))
    rooms = {"hall": (KEYNOTE, RELAYED, LATER), "lab": (ELSEWHERE,)}
    save_schedule(
        Schedule(
            rooms={
                room: RoomSchedule(timezone=SYDNEY, slots=slots) for room, slots in rooms.items()
            }
        ),
        schedule_file,
    )
    return tracker_settings | {"schedule.file": str(schedule_file)}


@pytest.fixture
def start(app_pool, settings):
    return lambda **more: Viewers(app_pool.get(tracker_app.main, settings | more))


@pytest.fixture
def viewers(start):
    return start()


class TestApi:
    def test_feedback_is_stored_without_a_trace_of_the_viewer(self, viewers, rows):
        sent = viewers.send(comment="  So\r\nclear ")

        assert sent == {"stars": 4, "comment": "So\nclear", "replaced": False}
        [row] = rows(TalkFeedback)
        browser = row.pop("browser")
        assert row == {
            "id": row["id"], "conference": "", "talk": TALK, "room": "hall", "title": "Keynote",
            "stars": 4, "comment": "So\nclear", "at": viewers.now,
        }  # fmt: skip
        assert BROWSER not in browser
        assert "203.0.113.1" not in str(row)

    @pytest.mark.both_databases
    def test_a_browser_has_one_opinion_of_a_talk(self, viewers, rows):
        viewers.send(stars=1, comment="Too loud")
        viewers.now += timedelta(minutes=5)
        viewers.send(stars=5, browser=OTHER_BROWSER)

        assert viewers.send(stars=3, comment="Better")["replaced"] is True

        found = [(row["stars"], row["comment"], row["at"]) for row in rows(TalkFeedback)]
        assert found == [(3, "Better", viewers.now), (5, "", viewers.now)]
        assert viewers.metrics() == {"stored": 2, "replaced": 1, "refused": 0}

    def test_feedback_on_two_talks_cannot_be_linked(self, viewers, rows):
        viewers.now = RELAYED.end
        viewers.send()
        viewers.send("guid-Plenary")

        assert len({row["browser"] for row in rows(TalkFeedback)}) == 2

    @pytest.mark.parametrize(
        ("talk", "moment", "expected"),
        [
            (TALK, KEYNOTE.start - timedelta(seconds=1), "feedback-closed"),
            (TALK, KEYNOTE.start, None),
            (TALK, KEYNOTE.end + timedelta(days=30, seconds=-1), None),
            (TALK, KEYNOTE.end + timedelta(days=30), "feedback-closed"),
            ("guid-Elsewhere", KEYNOTE.start, "unknown-talk"),
            ("guid-Cancelled", KEYNOTE.start, "unknown-talk"),
        ],
    )
    def test_talks_take_feedback_from_their_start_until_30_days_after_their_end(
        self, viewers, rows, talk, moment, expected
    ):
        viewers.now = moment
        response = viewers.send(talk, status="*")

        assert (problem(response) if "type" in response else None) == expected
        assert len(rows(TalkFeedback)) == (expected is None)

    def test_tracker_without_a_schedule_knows_no_talk(self, app_pool, settings):
        del settings["schedule.file"]
        viewers = Viewers(app_pool.get(tracker_app.main, settings))

        assert problem(viewers.send(status=404)) == "unknown-talk"

    def test_invalid_members_are_refused(self, viewers, rows):
        for members in (
            *({"stars": 0}, {"stars": 6}, {"stars": "5"}, {"stars": True}, {"stars": 4.5}),
            *({"comment": "x" * 1001}, {"comment": "\n" * 5000}, {"comment": None}),
            *({"browser": "short"}, {"browser": "x" * 65}, {"browser": "ü" * 20}, {"name": "Ada"}),
        ):
            assert problem(viewers.send(status=400, **members)) == "invalid", members
        assert rows(TalkFeedback) == []

    def test_comment_loses_characters_that_no_page_should_show(self, viewers, rows):
        for comment, stored in (
            ("a\0b\x1b[31mc\x7f\x9f", "ab[31mc"),
            ("\u202eright\u2066 to left", "right to left"),
            ("\ud800lone", "lone"),
            ("one\u2028two\x0bthree\x85four\tfive\x1fsix", "one\ntwo\nthree\nfour five six"),
            ("\n\n\na\n\n\n\nb\n\n", "a\n\nb"),
            ("\r\n".join("x" * 500), "\n".join("x" * 500)),
            (EVIL, EVIL),
            ("ﷺ" * 1000, "ﷺ" * 1000),
            ("🎈 sehr schön", "🎈 sehr schön"),
        ):
            assert viewers.send(comment=comment)["comment"] == stored
            assert [row["comment"] for row in rows(TalkFeedback)] == [stored]

    def test_large_body_is_refused_unread(self, viewers):
        assert problem(viewers.send(status=413, comment="x" * 20_000)) == "body-too-large"


class TestOrigin:
    def test_pages_of_other_sites_cannot_send_feedback(self, start, rows):
        viewers = start(
            **{
                "frontend.url": "https://live.example.org/",
                "allowed_origins": "https://partner.example",
            }
        )
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "https://live.example.org.evil.example"},
            {"Origin": "null"},
            {"Origin": "http://["},
            {"Sec-Fetch-Site": "cross-site"},
        ):
            response = viewers.send(headers=headers, status=403)
            assert problem(response) == "foreign-origin", headers
            viewers.submit(headers=headers, status=403)
        assert rows(TalkFeedback) == []

        for headers in (
            {},
            {"Origin": "http://localhost:80"},
            {"Origin": "https://live.example.org"},
            {"Origin": "https://partner.example", "Sec-Fetch-Site": "cross-site"},
        ):
            viewers.send(headers=headers)
            viewers.submit(headers=headers)

    def test_page_at_another_host_may_read_the_response(self, start):
        viewers = start(
            **{
                "frontend.url": "https://live.example.org/",
                "allowed_origins": "https://live.example.org",
            }
        )
        path, headers = f"/api/v1/talks/{TALK}/feedback", {"Origin": "https://live.example.org"}
        preflight = viewers.client.options(path, headers=headers)
        # Without a preflight request, browsers send text.
        sent = viewers.client.post(
            path,
            json.dumps({"stars": 2, "browser": BROWSER}),
            headers=headers | {"Content-Type": "text/plain;charset=UTF-8"},
        )

        for response in (preflight, sent):
            assert response.headers["Access-Control-Allow-Origin"] == "https://live.example.org"
        assert preflight.headers["Access-Control-Allow-Methods"] == "POST"


class TestForm:
    def test_form_leads_back_to_the_page_of_the_talk(self, start, rows):
        viewers = start(**{"frontend.url": "https://live.example.org/"})
        response = viewers.submit(query="?lang=de", comment="So\r\nclear")

        assert response.location == (
            f"https://live.example.org/talk/{TALK}?feedback=sent&lang=de#feedback"
        )
        assert [row["comment"] for row in rows(TalkFeedback)] == ["So\nclear"]

    def test_cookie_lets_a_second_form_replace_the_first(self, viewers, rows):
        cookie = viewers.submit(stars="1").headers["Set-Cookie"]
        viewers.submit(stars="2")
        viewers.client.reset()
        # Another browser, whose other cookies are not UTF-8.
        viewers.submit(stars="5", headers={"Cookie": "a=\xff; feedback=evil"})

        assert {"HttpOnly", "SameSite=Lax", "Path=/talk"} <= set(cookie.split("; "))
        assert [row["stars"] for row in rows(TalkFeedback)] == [2, 5]

    def test_page_shows_why_a_form_was_refused(self, viewers, rows):
        for fields in (
            *({"stars": "0"}, {"stars": ""}, {"stars": "٣"}),
            *({"comment": "x" * 1001}, {"comment": "x" * 20_000}),
        ):
            assert result_of(viewers.submit(**fields)) == "invalid", fields
        viewers.now = KEYNOTE.start - timedelta(seconds=1)
        assert result_of(viewers.submit()) == "closed"

        assert rows(TalkFeedback) == []
        assert viewers.metrics() == {"stored": 0, "replaced": 0, "refused": 6}

    def test_body_that_is_no_form_is_refused(self, viewers, rows):
        for body, media_type in (
            (b"--b\r\nnonsense", "multipart/form-data; boundary=b"),
            (b"stars=4", "application/x-www-form-urlencoded; charset=utf-7"),
            (b"{}", "application/json"),
        ):
            response = viewers.client.post(
                f"/talk/{TALK}/feedback", body, headers={"Content-Type": media_type}
            )
            assert result_of(response) == "invalid", media_type
        assert rows(TalkFeedback) == []

    def test_unknown_talk_and_language_are_not_found_and_ignored(self, viewers):
        viewers.submit("guid-Cancelled", status=404)

        assert "lang" not in viewers.submit(query="?lang=%0d%0aX:1").location


@pytest.mark.both_databases
class TestBounds:
    def test_an_address_can_send_so_much_feedback_a_minute(self, start, rows):
        viewers = start(**{"limit.feedback": "2/minute"})
        viewers.send()
        assert result_of(viewers.submit()) == "sent"

        assert problem(viewers.send(status=429)) == "too-many-requests"
        limited = viewers.submit()
        assert result_of(limited) == "limited"
        assert int(limited.headers["Retry-After"]) in range(1, 61)
        assert len(rows(TalkFeedback)) == 2

    def test_full_talk_takes_no_new_opinions_and_still_replaces(self, start, rows):
        viewers = start(**{"bound.feedback_per_talk": "1", "bound.feedback": "2"})
        viewers.now = RELAYED.start
        viewers.send()

        refused = viewers.send(browser=OTHER_BROWSER, status=409)
        assert problem(refused) == "limit-reached"
        assert "bound.feedback_per_talk is 1" in refused["detail"]
        assert result_of(viewers.submit()) == "full"
        assert viewers.send(stars=2)["replaced"] is True
        viewers.send("guid-Plenary")
        assert len(rows(TalkFeedback)) == 2

    def test_all_feedback_is_bounded(self, start):
        viewers = start(**{"bound.feedback": "1"})
        viewers.now = RELAYED.start
        viewers.send()

        assert "bound.feedback is 1" in viewers.send("guid-Plenary", status=409)["detail"]


@pytest.mark.both_databases
class TestRetention:
    def test_feedback_is_deleted_after_its_retention(self, viewers, engine, settings, rows):
        viewers.send()
        viewers.now += timedelta(days=1)
        viewers.send(browser=OTHER_BROWSER)
        with engine.begin() as connection:
            connection.execute(
                sa.update(TalkFeedback)
                .where(TalkFeedback.at < viewers.now)
                .values(at=datetime.now(UTC) - timedelta(days=401))
            )
            connection.execute(
                sa.update(TalkFeedback)
                .where(TalkFeedback.at == viewers.now)
                .values(at=datetime.now(UTC) - timedelta(days=399))
            )

        result = run_maintenance(settings)

        assert result.deleted["feedback on talks"] == 1
        assert len(rows(TalkFeedback)) == 1


EVIL_CELLS = ("=1+1", "+1", "-1", "@SUM(A1)", "  =1+1", "＝1+1")


@pytest.fixture
def crew(people, start):
    """A tracker with feedback on two talks, and a function that returns a crew member's browser."""

    def crew(name):
        viewers = start(**{"session.secure": "false", "limit.logins": "off"})
        viewers.now = RELAYED.start
        log_in(viewers.client, name)
        for number, cell in enumerate(EVIL_CELLS):
            viewers.send(browser=f"{number:032x}", stars=5, comment=cell)
        viewers.send(browser="f" * 32, stars=1, comment=f'{EVIL}\n"quoted", ü')
        viewers.send("guid-Plenary", stars=2)
        return viewers.client

    return crew


PAGE = "/admin/feedback"
TALK_PAGE = f"{PAGE}?conference=&talk={TALK}"


class TestCrew:
    def test_page_has_the_mean_and_the_comments_of_each_talk(self, crew):
        app = crew("vera")
        table = app.get(PAGE).html.select("tbody tr")
        cells = [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in table]

        assert cells == [
            ["Keynote", "hall", "7", "4.4", "7"],
            ["Plenary", "hall", "1", "2.0", "0"],
        ]
        page = app.get(table[0].a["href"])
        assert EVIL not in page.text
        comments = [row.select("td")[-1].get_text() for row in page.html.select("tbody tr")]
        assert comments[0] == f'{EVIL}"quoted", ü'
        assert comments[1:] == [cell.strip() for cell in reversed(EVIL_CELLS)]
        # A viewer of the crew changes nothing.
        assert not page.html.select("[value=delete]")

    def test_export_has_no_formula(self, crew, rows):
        app = crew("vera")
        response = submit(app, TALK_PAGE, "export", status=200)

        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in response.headers["Content-Disposition"]
        found = list(csv.DictReader(io.StringIO(response.body.decode("utf-8"))))
        assert [row["comment"] for row in found] == [
            *("'=1+1", "'+1", "'-1", "'@SUM(A1)", "'=1+1", "'＝1+1"),
            f'{EVIL}\n"quoted", ü',
        ]
        assert {row["talk"] for row in found} == {TALK}
        assert found[0]["time"] == f"{RELAYED.start:%Y-%m-%dT%H:%M:%SZ}"
        assert found[0]["stars"] == "5"
        submit(app, PAGE, "export", status=200)
        entries = [(r["account"], r["action"], r["subject"]) for r in rows(AuditEntry)]
        assert entries[-2:] == [
            ("vera", "feedback.export", TALK),
            ("vera", "feedback.export", "all talks"),
        ]

    def test_admin_deletes_feedback(self, crew, rows):
        app = crew("ada")
        submit(app, TALK_PAGE, "delete")

        assert [r["stars"] for r in rows(TalkFeedback)].count(1) == 0
        entry = rows(AuditEntry)[-1]
        assert (entry["account"], entry["action"]) == ("ada", "feedback.delete")
        assert entry["subject"] == f"1 stars for Keynote ({TALK})"

    def test_feedback_is_private_to_the_crew(self, viewers):
        viewers.send()

        assert "/admin/login" in viewers.client.get(PAGE, status=303).location
        viewers.client.get(f"/api/v1/talks/{TALK}/feedback", status=405)

    def test_unknown_talks_and_pages_are_not_found(self, crew):
        app = crew("vera")
        for query in ("?talk=x", f"?talk={TALK}&page=2", "?page=0", "?page=x"):
            app.get(PAGE + query, status=404)
