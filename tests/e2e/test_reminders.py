"""Viewers turn reminders on and off, and the service worker shows notifications.

Chromium's own push service needs a network, and a Chromium without windows shows no notification:
these are stubs here. Messages to the service worker are real ones.
"""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from functional.push_service import Browser
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .accessibility import axe_violations

ON = "You will get a notification, also when this page is closed."
PHONE = {"width": 320, "height": 640}
STUB = """({ endpoint, keys }, permission) => {
  Object.defineProperty(Notification, "permission", { get: () => permission });
  Notification.requestPermission = async () => permission;
  const stored = () => localStorage.getItem("stub key");
  const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;
  const key = () => bytes(stored().replaceAll("-", "+").replaceAll("_", "/"));
  const subscription = () => stored() && {
    endpoint,
    options: { applicationServerKey: key() },
    toJSON: () => ({ endpoint, keys, expirationTime: null }),
    unsubscribe: async () => localStorage.removeItem("stub key"),
  };
  PushManager.prototype.getSubscription = async () => subscription() || null;
  PushManager.prototype.subscribe = async ({ applicationServerKey, userVisibleOnly }) => {
    if (!userVisibleOnly || stored()) throw new DOMException("", "InvalidStateError");
    localStorage.setItem("stub key", applicationServerKey);
    return subscription();
  };
}"""

RECORDER = """() => {
  self.shown = [];
  ServiceWorkerRegistration.prototype.showNotification = async (title, { body, data }) => {
    self.shown.push([title, body, data]);
  };
  self.click = (data) => new Promise((done) => {
    Clients.prototype.openWindow = async (url) => done(url);
    const event = new ExtendableEvent("notificationclick");
    event.notification = { data, close: () => {} };
    self.dispatchEvent(event);
  });
}"""


@pytest.fixture
def configuration(configuration):
    configuration.keys["reminders.contact"] = "mailto:stream@conference.example"
    return configuration


@pytest.fixture
def talks(site):
    """A talk of the room ``example`` in an hour, and one in two hours."""
    now = datetime.now(UTC).replace(microsecond=0)
    slots = tuple(
        Slot(
            start=now + timedelta(hours=hours),
            end=now + timedelta(hours=hours, minutes=50),
            title=title,
            guid=guid,
        )
        for hours, title, guid in ((1, "How we stream", "first"), (2, "How we mix", "second"))
    )
    rooms = {"example": RoomSchedule(timezone=ZoneInfo("UTC"), slots=slots)}
    save_schedule(Schedule(rooms=rooms), site.checkout / "var" / "schedule.json")
    return slots


@pytest.fixture
def open_with_stub(new_page, site, talks):
    """Return a function that opens a page in a browser with stubbed subscriptions."""
    browser = Browser("https://fcm.googleapis.com/fcm/send/of-the-tests")

    def open_with_stub(path, *, permission="granted", **options):
        page = new_page(viewport=PHONE, **options)
        arguments = f"{json.dumps(browser.subscription)}, {json.dumps(permission)}"
        page.add_init_script(f"({STUB})({arguments})")
        page.goto(site.url + path)
        return page

    return open_with_stub


def stored(site):
    """Return the kinds and subjects of all reminders in the database."""
    with closing(sqlite3.connect(f"{site.checkout}/var/tracker.sqlite", timeout=10)) as connection:
        rows = connection.execute("SELECT kind, subject FROM reminder ORDER BY subject")
        return rows.fetchall()


def test_reminder_of_a_talk_is_turned_on_and_off(open_with_stub, site):
    page = open_with_stub("/talk/first")
    button = page.get_by_role("button", name="Remind me: How we stream")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert stored(site) == []
    button.click()
    expect(page.get_by_role("status").filter(has_text=ON)).to_be_visible()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert stored(site) == [("talk", "first")]
    assert axe_violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    page.reload()
    expect(button).to_have_attribute("aria-pressed", "true")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert stored(site) == []
    assert page.errors == []


def test_reminders_of_favourites_follow_the_favourites(open_with_stub, site):
    page = open_with_stub("/schedule?day=all&view=list")
    page.get_by_role("button", name="Favourite: How we mix").click()
    page.get_by_role("button", name="Remind me of my favourites").click()
    expect(page.get_by_role("status").filter(has_text=ON)).to_be_visible()
    assert stored(site) == [("talk", "second")]
    with page.expect_response("**/api/v1/reminders") as response:
        page.get_by_role("button", name="Favourite: How we stream").click()
    assert response.value.status == 200
    assert stored(site) == [("talk", "first"), ("talk", "second")]

    # A room that does not stream yet announces its start, a live one its next talk.
    page.goto(f"{site.url}/example")
    page.get_by_role("button", name="Remind me when it starts").click()
    expect(page.get_by_role("status").filter(has_text=ON)).to_be_visible()
    assert stored(site) == [("room", "example"), ("talk", "first"), ("talk", "second")]
    assert page.errors == []
    # Its endpoint has no stream.
    site.go_live("example")
    page.reload()
    expect(page.get_by_role("button", name="Remind me: How we stream")).to_be_visible()


def test_new_key_of_the_site_replaces_the_subscription(open_with_stub, site):
    page = open_with_stub("/talk/first")
    page.evaluate("localStorage.setItem('stub key', 'BAAA')")
    page.get_by_role("button", name="Remind me: How we stream").click()

    expect(page.get_by_role("status").filter(has_text=ON)).to_be_visible()
    key = json.loads(site.text("/tracker/api/v1/push-key"))["key"]
    assert page.evaluate("localStorage.getItem('stub key')") == key


def test_blocked_notifications_are_explained(open_with_stub, site):
    page = open_with_stub("/talk/first?lang=de", permission="denied")
    page.get_by_role("button", name="Erinnern: How we stream").click()

    blocked = "Der Browser blockiert Benachrichtigungen dieser Seite."
    expect(page.get_by_role("status").filter(has_text=blocked)).to_be_visible()
    assert stored(site) == []


def test_iphone_needs_an_installed_site(open_with_stub, new_page, site, talks):
    page = new_page(viewport=PHONE)
    page.add_init_script("delete window.PushManager; navigator.standalone = false")
    page.goto(f"{site.url}/talk/first")
    page.get_by_role("button", name="Remind me: How we stream").click()
    expect(page.get_by_text("Add this site to the home screen first")).to_be_visible()

    other = new_page(viewport=PHONE)
    other.add_init_script("delete window.PushManager")
    other.goto(f"{site.url}/talk/first")
    expect(other.get_by_role("link", name="Add to calendar")).to_be_visible()
    expect(other.get_by_role("button", name="Remind me: How we stream")).to_be_hidden()


def test_message_becomes_a_notification_in_the_language_of_the_viewer(open_with_stub, site, talks):
    page = open_with_stub("/talk/first?lang=de", timezone_id="Asia/Kolkata")
    page.get_by_role("button", name="Erinnern: How we stream").click()
    expect(page.get_by_role("status").filter(has_text="Es kommt")).to_be_visible()
    start = talks[0].start.astimezone(ZoneInfo("Asia/Kolkata"))
    talk = {
        "kind": "talk",
        "title": "How we stream",
        "room": "Main Hall",
        "path": "example",
        "start": talks[0].start.isoformat(),
    }
    room = {"kind": "room", "title": "Main Hall", "room": "Main Hall", "path": "example"}
    worker = page.context.service_workers[0]
    worker.evaluate(RECORDER)
    deliver(page, site, json.dumps(talk), json.dumps(room), "no JSON")

    site.wait_for(lambda: worker.evaluate("shown.length") == 3, 10, "three notifications")
    assert worker.evaluate("shown")[:2] == [
        ["How we stream", f"{start:%H:%M} · Main Hall", "/example"],
        ["Main Hall", "Der Stream hat begonnen.", "/example"],
    ]
    assert worker.evaluate("click('/example')") == f"{site.url}/example"


def deliver(page, site, *messages):
    """Deliver push messages to the site's service worker, one after the other."""
    session = page.context.new_cdp_session(page)
    ids = []
    session.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: ids.extend(each["registrationId"] for each in event["registrations"]),
    )
    session.send("ServiceWorker.enable")
    site.wait_for(lambda: ids or page.wait_for_timeout(50), 10, "the worker is registered")
    for message in messages:
        session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": site.url, "registrationId": ids[0], "data": message},
        )
