"""Viewers send feedback on a talk from its page and its room, with and without JavaScript."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .accessibility import axe_violations
from .config import CONFERENCE_SETTING

PHONE = {"width": 320, "height": 640}
THANKS = "Thank you for your feedback. To change it, send it again."


@pytest.fixture
def configuration(configuration):
    configuration.add(CONFERENCE_SETTING, '"feedback": "internal",')
    return configuration


@pytest.fixture
def talk(site):
    """The talk that is on in the room ``example``."""
    now = datetime.now(UTC).replace(microsecond=0)
    slot = Slot(
        start=now - timedelta(minutes=30),
        end=now + timedelta(hours=2),
        title="How we stream",
        guid="now",
    )
    rooms = {"example": RoomSchedule(timezone=ZoneInfo("UTC"), slots=(slot,))}
    save_schedule(Schedule(rooms=rooms), site.checkout / "var" / "schedule.json")
    return slot


def stored(site):
    """Return the stars and comments in the database."""
    engine = sa.create_engine(f"sqlite:///{site.checkout}/var/tracker.sqlite")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT stars, comment FROM talk_feedback ORDER BY id")
        found = [tuple(row) for row in rows]
    engine.dispose()
    return found


def test_form_works_by_keyboard_and_stays_on_the_page(visit, site, talk):
    page = visit("/talk/now", viewport=PHONE)
    page.get_by_role("radio", name="1 star").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="3 stars")).to_be_checked()
    page.get_by_label("Comment").fill("Nice\n<b>demo</b>")
    page.get_by_role("button", name="Send feedback").click()

    expect(page.locator(".feedback-result")).to_have_text(THANKS)
    assert page.url == f"{site.url}/talk/now"
    page.get_by_role("radio", name="5 stars").check(force=True)
    with page.expect_response("**/api/v1/talks/now/feedback") as replaced:
        page.get_by_role("button", name="Send feedback").click()
    assert replaced.value.status == 200
    assert stored(site) == [(5, "Nice\n<b>demo</b>")]
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.errors == []


def test_form_without_javascript_shows_the_result_on_the_page_of_the_talk(visit, site, talk):
    page = visit("/example?lang=de", viewport=PHONE, java_script_enabled=False)
    page.locator(".feedback-box summary").click()
    page.get_by_role("radio", name="4 Sterne").check(force=True)
    page.get_by_role("button", name="Feedback senden").click()

    expect(page.locator(".feedback-result")).to_have_text(
        "Danke für Ihr Feedback. Um es zu ändern, senden Sie es einfach noch einmal."
    )
    assert page.url == f"{site.url}/talk/now?feedback=sent&lang=de#feedback"
    assert stored(site) == [(4, "")]


@pytest.mark.parametrize("path", ["/talk/now", "/example"])
def test_form_is_accessible(visit, talk, path):
    page = visit(path, viewport=PHONE)
    if path == "/example":
        page.locator(".feedback-box summary").click()
    page.evaluate("document.querySelector('.stars input[value=\"4\"]').checked = true")

    assert axe_violations(page) == []
