"""Viewers get reminders of talks and rooms: the API, the messages, and push services that fail."""

import base64
import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from py_vapid import Vapid02
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.cli import main
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.site_links import talk_id
from streaming_system.schedule.storage import save_schedule
from streaming_system.tracker.models import Endpoint, PushSubscription, Reminder, ReminderTotal
from streaming_system.tracker.reminders import push_client, sender
from streaming_system.tracker.reminders.sender import ReminderSender

from .conftest import SECRET
from .pages import SYDNEY, make_talk
from .push_service import Browser

KEYNOTE = make_talk("10:00", 60, "Keynote")
LATER = make_talk("14:00", 60, "Later")
OTHER = make_talk("10:00", 30, "Other")
TALK = "guid-Keynote"
CONTACT = "mailto:stream@conference.example"
NOTHING = {"sent": 0, "gone": 0, "retry": 0, "refused": 0}


class Site:
    """A tracker and its sender, whose clock the test sets."""

    def __init__(self, app, settings, service):
        self.settings, self.service = settings, service
        self.now = KEYNOTE.start - timedelta(hours=1)
        app.registry["clock"] = lambda: self.now
        self.client = TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    def set(self, browser, talks=(), rooms=(), status=200, headers=None):
        body = {**browser.subscription, "talks": list(talks), "rooms": list(rooms)}
        return self.client.put_json("/api/v1/reminders", body, headers=headers, status=status).json

    def make_sender(self):
        return ReminderSender(self.settings, clock=lambda: self.now)

    def run(self, at=None, count=1):
        """Run a new sender, at a time."""
        self.now = at or self.now
        one = self.make_sender()
        totals = sum((one.run_once() for _ in range(count)), start=Counter())
        return {name: number for name, number in totals.items() if number}

    def metrics(self):
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(self.client.get("/metrics").text)
            for sample in family.samples
            if "reminder" in sample.name
        }


@pytest.fixture
def plan(schedule_file):
    """Return a function that replaces the schedule."""

    def plan(**rooms):
        save_schedule(
            Schedule(
                rooms={
                    room: RoomSchedule(timezone=SYDNEY, slots=slots)
                    for room, slots in rooms.items()
                }
            ),
            schedule_file,
        )

    plan(hall=(KEYNOTE, LATER), lab=(OTHER,))
    return plan


@pytest.fixture
def start(app_pool, tracker_settings, schedule_file, plan, push_service):
    def start(**more):
        settings = tracker_settings | {
            "schedule.file": str(schedule_file),
            "reminders.contact": CONTACT,
            "reminders.services": push_service.url.removeprefix("https://"),
            "outbound.allowed_private_networks": "127.0.0.1",
            **more,
        }
        return Site(app_pool.get(tracker_app.main, settings), settings, push_service)

    return start


@pytest.fixture
def site(start):
    return start()


@pytest.fixture
def one(push_service):
    return push_service.browser()


def problem(body):
    return body["type"].partition("#")[2]


class TestApi:
    @pytest.mark.both_databases
    def test_browser_replaces_its_reminders_and_removes_itself(self, site, one, rows):
        stored = site.set(one, [TALK, "guid-Nothing"], ["hall", "attic"])

        assert stored == {"talks": [TALK], "rooms": ["hall"]}
        site.set(one, ["guid-Later"])
        assert [(row["kind"], row["subject"]) for row in rows(Reminder)] == [("talk", "guid-Later")]
        assert site.set(one) == {"talks": [], "rooms": []}
        assert rows(Reminder) == rows(PushSubscription) == []

    def test_row_has_no_trace_of_the_viewer_but_the_subscription(self, site, one, rows):
        site.set(one, [TALK], headers={"User-Agent": "Browser/1"})

        [row] = rows(PushSubscription)
        assert row["url"] == one.url
        assert "203.0.113.1" not in str([row, *rows(Reminder)])
        assert "Browser/1" not in str([row, *rows(Reminder)])

    def test_talk_that_is_over_is_left_out(self, site, one):
        site.now = KEYNOTE.end

        assert site.set(one, [TALK, "guid-Later"])["talks"] == ["guid-Later"]

    @pytest.mark.parametrize(
        ("url", "kind"),
        [
            ("https://push.evil.example/x", "unknown-push-service"),
            ("https://127.0.0.1/x", "unknown-push-service"),
            ("https://user@127.0.0.1:1/x", "unknown-push-service"),
            ("https://[::1/x1", "unknown-push-service"),
            ("http://127.0.0.1:1/x", "invalid"),
        ],
    )
    def test_address_of_another_service_is_refused(self, site, rows, url, kind):
        refused = site.set(Browser(url), [TALK], status="*")

        assert problem(refused) == kind
        assert rows(PushSubscription) == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [("p256dh", "B" + "A" * 86), ("p256dh", "short"), ("auth", "A" * 23), ("auth", "!" * 22)],
    )
    def test_key_that_no_message_can_be_encrypted_with_is_refused(self, site, one, key, value):
        body = one.subscription
        body["keys"][key] = value
        response = site.client.put_json("/api/v1/reminders", body, status=400).json

        assert problem(response) == "invalid"
        assert response["errors"][0]["pointer"] == f"/keys/{key}"

    def test_page_of_another_site_cannot_set_reminders(self, site, one):
        refused = site.set(one, [TALK], status=403, headers={"Origin": "https://evil.example"})

        assert problem(refused) == "foreign-origin"

    def test_number_of_browsers_is_bounded(self, start, push_service):
        site = start(**{"bound.reminder_browsers": "1"})
        site.set(push_service.browser("one"), [TALK])

        refused = site.set(push_service.browser("two"), [TALK], status=409)
        assert "bound.reminder_browsers is 1" in refused["detail"]
        site.set(push_service.browser("one"), ["guid-Later"])

    def test_rate_is_limited(self, start, one):
        site = start(**{"limit.reminders": "1/minute"})
        site.set(one, [TALK])

        assert problem(site.set(one, [TALK], status=429)) == "too-many-requests"

    def test_without_a_contact_there_are_no_reminders(self, start, one):
        site = start(**{"reminders.contact": ""})

        assert problem(site.set(one, [TALK], status=404)) == "reminders-off"
        assert problem(site.client.get("/api/v1/push-key", status=404).json) == "reminders-off"

    def test_pages_at_another_host_may_ask_first(self, site):
        response = site.client.options("/api/v1/reminders", status=204)

        assert response.headers["Access-Control-Allow-Methods"] == "PUT"

    def test_key_stays_the_same_and_is_a_point(self, site):
        key = site.client.get("/api/v1/push-key").json["key"]

        assert site.client.get("/api/v1/push-key").json["key"] == key
        point = base64.urlsafe_b64decode(key + "=")
        assert (len(point), point[0]) == (65, 4)


class TestTalks:
    @pytest.mark.both_databases
    def test_browser_gets_one_message_five_minutes_before_the_talk(self, site, one, rows):
        site.set(one, [TALK])

        assert site.run(KEYNOTE.start - timedelta(minutes=5, seconds=1)) == {}
        assert site.run(KEYNOTE.start - timedelta(minutes=5), count=3) == {"sent": 1}
        assert site.run(KEYNOTE.start + timedelta(minutes=1)) == {}
        assert site.service.messages == [
            (
                "one",
                {
                    "kind": "talk",
                    "title": "Keynote",
                    "room": "Great Hall",
                    "path": "hall",
                    "start": KEYNOTE.start.isoformat(),
                },
            )
        ]
        assert [row["count"] for row in rows(ReminderTotal)] == [1]
        assert site.metrics() == {
            ("streaming_reminder_browsers",): 1,
            **{
                ("streaming_reminders_total", name): count
                for name, count in (NOTHING | {"sent": 1}).items()
            },
        }

    def test_message_is_signed_for_the_service_and_expires_with_the_talk(self, site, one):
        site.set(one, [TALK])
        site.run(KEYNOTE.start)

        [(_, headers, _)] = site.service.received
        assert headers["TTL"] == "3600"
        assert headers["Urgency"] == "high"
        assert headers["Content-Encoding"] == "aes128gcm"
        assert len(headers["Topic"]) == 32
        scheme, _, fields = headers["Authorization"].partition(" ")
        parts = dict(field.split("=", 1) for field in fields.split(","))
        key = site.client.get("/api/v1/push-key").json["key"]
        assert (scheme, parts["k"]) == ("vapid", key)
        assert Vapid02.verify(headers["Authorization"])
        claims = json.loads(base64.urlsafe_b64decode(parts["t"].split(".")[1] + "=="))
        assert claims["aud"] == site.service.url
        assert claims["sub"] == CONTACT

    def test_reminder_follows_a_talk_that_moves(self, site, one, plan):
        site.set(one, [TALK])
        plan(hall=(LATER,), lab=(make_talk("16:00", 60, "Keynote"),))

        assert site.run(KEYNOTE.start) == {}
        assert site.run(KEYNOTE.start + timedelta(hours=6)) == {"sent": 1}
        assert site.service.messages[0][1]["path"] == "lab"

    def test_talk_that_moves_after_its_message_is_announced_again(self, site, one, plan):
        site.set(one, [TALK])
        site.run(KEYNOTE.start - timedelta(minutes=5))
        plan(hall=(make_talk("10:05", 60, "Keynote"),))
        assert site.run(KEYNOTE.start) == {}
        plan(hall=(make_talk("11:00", 60, "Keynote"),))

        assert site.run(KEYNOTE.start) == {}
        assert site.run(KEYNOTE.start + timedelta(minutes=55)) == {"sent": 1}

    def test_cancelled_talk_sends_nothing_and_its_reminder_expires(self, site, one, plan, rows):
        site.set(one, [TALK])
        plan(hall=(LATER,))

        assert site.run(KEYNOTE.start) == {}
        assert len(rows(Reminder)) == 1
        site.run(KEYNOTE.end)
        assert rows(Reminder) == rows(PushSubscription) == []

    def test_reminders_are_deleted_after_the_talk(self, site, one, rows):
        site.set(one, [TALK, "guid-Later"])
        site.run(KEYNOTE.start)
        site.run(KEYNOTE.end)

        assert [row["subject"] for row in rows(Reminder)] == ["guid-Later"]
        site.run(LATER.end)
        assert rows(Reminder) == rows(PushSubscription) == []

    def test_setting_all_reminders_again_sends_nothing_twice(self, site, one):
        site.set(one, [TALK])
        site.run(KEYNOTE.start)
        site.set(one, [TALK, "guid-Later"])

        assert site.run(KEYNOTE.start + timedelta(minutes=5)) == {}

    @pytest.mark.both_databases
    def test_several_processes_send_a_reminder_once(self, site, push_service):
        for number in range(20):
            site.set(push_service.browser(f"b{number}"), [TALK])
        site.now = KEYNOTE.start
        senders = [site.make_sender() for _ in range(3)]
        threads = [threading.Thread(target=one.run_once) for one in senders]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(name for name, _ in push_service.messages) == sorted(push_service.browsers)


class TestRooms:
    @pytest.fixture
    def go_live(self, site, engine):
        """Return a function that makes a room live at the time of the site."""

        def go_live(room="hall"):
            with engine.begin() as connection:
                connection.execute(sa.delete(Endpoint))
            site.client.post("/endpoint/register", {"secret": SECRET, "group": room, "data": "{}"})
            with engine.begin() as connection:
                connection.execute(sa.update(Endpoint).values(last_seen=site.now))

        return go_live

    def test_browser_is_notified_each_time_that_the_room_starts(self, site, one, go_live):
        site.set(one, rooms=["hall"])
        assert site.run() == {}
        go_live("lab")
        assert site.run() == {}

        go_live()
        assert site.run(count=2) == {"sent": 1}
        [(_, message)] = site.service.messages
        assert message == {
            "kind": "room", "title": "Great Hall", "room": "Great Hall", "path": "hall",
        }  # fmt: skip
        # While the room stays live, nothing is sent.
        for _ in range(4):
            site.now += timedelta(minutes=40)
            go_live()
            assert site.run() == {}
        site.now += timedelta(hours=2, minutes=11)
        go_live()
        assert site.run() == {"sent": 1}

    def test_slate_is_no_stream(self, site, one, go_live, engine):
        site.set(one, rooms=["hall"])
        go_live()
        with engine.begin() as connection:
            connection.execute(sa.update(Endpoint).values(slate_since=site.now))

        assert site.run() == {}


class TestFailures:
    @pytest.fixture(autouse=True)
    def due(self, site, push_service):
        for name in ("one", "two"):
            site.set(push_service.browser(name), [TALK])
        site.now = KEYNOTE.start

    @pytest.mark.parametrize("status", [404, 410])
    def test_browser_that_has_unsubscribed_is_deleted(self, site, push_service, rows, status):
        push_service.responses["one"] = (status, {})

        assert site.run() == {"gone": 1, "sent": 1}
        assert [row["url"] for row in rows(PushSubscription)] == [push_service.browser("two").url]
        assert len(rows(Reminder)) == 1

    @pytest.mark.parametrize(
        ("status", "headers", "seconds"),
        [
            (500, {}, 15),
            (503, {"Retry-After": "120"}, 120),
            (429, {"Retry-After": "nonsense"}, 15),
            (429, {"Retry-After": "1200"}, 1200),
        ],
    )
    def test_busy_service_is_tried_again_later(
        self,
        site,
        push_service,
        status,
        headers,
        seconds,
    ):
        push_service.responses["one"] = (status, headers)
        assert site.run() == {"retry": 1, "sent": 1}
        push_service.responses.clear()

        assert site.run(KEYNOTE.start + timedelta(seconds=seconds - 1)) == {}
        assert site.run(KEYNOTE.start + timedelta(seconds=seconds)) == {"sent": 1}

    def test_service_cannot_hold_a_reminder_beyond_the_talk(self, site, push_service):
        push_service.responses["one"] = (429, {"Retry-After": "999999999999"})
        site.run()
        push_service.responses.clear()

        assert site.run(KEYNOTE.end) == {}

    @pytest.mark.parametrize(
        ("status", "headers"), [(400, {}), (403, {}), (413, {}), (302, {"Location": "/push/two"})]
    )
    def test_refused_message_is_logged_without_the_secret_address(
        self,
        site,
        push_service,
        caplog,
        status,
        headers,
    ):
        push_service.responses["one"] = (status, headers)

        assert site.run(count=2) == {"refused": 1, "sent": 1}
        assert len(push_service.received) == 2
        warnings = [record.getMessage() for record in caplog.records]
        [line] = [text for text in warnings if f"status {status}" in text]
        assert "/push" not in line

    def test_service_that_hangs_stops_no_other_message(self, site, push_service, monkeypatch):
        monkeypatch.setattr(push_client, "REQUEST_TIMEOUT", 0.3)
        push_service.can_respond.clear()

        assert site.run() == {"retry": 2}
        push_service.can_respond.set()
        assert site.run(KEYNOTE.start + timedelta(seconds=15)) == {"sent": 2}

    def test_message_that_fails_each_time_is_given_up(self, site, push_service):
        push_service.responses["one"] = (500, {})
        one, totals = site.make_sender(), Counter()
        for minutes in range(0, 60, 5):
            site.now = KEYNOTE.start + timedelta(minutes=minutes)
            totals += one.run_once()

        assert (totals["retry"], totals["refused"]) == (7, 1)
        assert totals["sent"] == 1

    def test_service_at_a_private_address_gets_nothing(self, site, push_service, caplog):
        site.settings["outbound.allowed_private_networks"] = ""

        assert site.run() == {"retry": 2}
        assert push_service.received == []
        assert "no public address" in caplog.text

    def test_service_that_is_no_longer_listed_gets_nothing(self, site, push_service):
        site.settings["reminders.services"] = "*.example.org"

        assert site.run() == {"refused": 2}
        assert push_service.received == []

    def test_process_that_ends_while_it_sends_loses_nothing(self, site, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(sender.PushClient, "send", lambda *_: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                site.run()

        assert site.run(KEYNOTE.start + timedelta(minutes=1)) == {}
        assert site.run(KEYNOTE.start + timedelta(minutes=3)) == {"sent": 2}


class TestCommand:
    def test_monitor_sends_reminders(self, site, one, plan, tmp_path):
        now = datetime.now(UTC)
        talk = Slot(
            start=now + timedelta(minutes=4),
            end=now + timedelta(minutes=40),
            title="Soon",
            guid="soon",
        )
        plan(hall=(talk,))
        site.now = now
        site.set(one, ["soon"])
        ini = tmp_path / "site.ini"
        keys = {"use": "egg:streaming-system#tracker", **site.settings}
        lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in keys.items()]
        ini.write_text("\n".join(["[app:tracker]", *lines]))
        arguments = ["-c", str(ini), "tracker", "watch", "--count", "2", "--interval", "0.1"]
        result = CliRunner().invoke(main, arguments)

        assert result.exit_code == 0, result.output
        assert [message["title"] for _, message in site.service.messages] == ["Soon"]

    def test_contact_that_services_refuse_is_one_line(self, site, tmp_path):
        ini = tmp_path / "site.ini"
        ini.write_text(
            "[app:tracker]\nuse = egg:streaming-system#tracker\n"
            "reminders.contact = mailto:me@localhost\n"
        )
        result = CliRunner().invoke(main, ["-c", str(ini), "tracker", "watch", "--count", "1"])

        [line] = [line for line in result.output.splitlines() if "reminders.contact" in line]
        assert "site.ini:3" in line
        assert "Apple refuses names such as localhost" in line


class TestPages:
    @pytest.mark.parametrize(
        ("path", "kind", "subject"),
        [
            ("/talk/guid-Soldering", "talk", "guid-Soldering"),
            ("/hall", "talk", "guid-<b>Panel</b>"),
            ("/schedule", "favourites", ""),
        ],
    )
    def test_pages_have_a_button_if_reminders_are_on(self, make_site, path, kind, subject):
        assert make_site().get(path).html.select("[data-reminders]") == []

        [box] = (
            make_site(**{"reminders.contact": CONTACT}).get(path).html.select("[data-reminders]")
        )
        assert box["data-reminders"] == "/tracker/api/v1"
        assert box["data-kind"] == kind
        expected = talk_id(make_talk("11:30", 30, "<b>Panel</b>")) if "<" in subject else subject
        assert box["data-id"] == expected

    def test_talk_that_has_begun_has_no_button(self, make_site):
        page = make_site(**{"reminders.contact": CONTACT}).get("/talk/guid-Moved?delta=6000")

        assert page.html.select("[data-reminders]") == []
