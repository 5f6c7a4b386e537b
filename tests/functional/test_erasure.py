"""`streaming-system tracker erase`: nothing that is stored about a person is left."""

import json
import uuid
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from streaming_system.cli import main
from streaming_system.tracker.crew.crew import CrewActions
from streaming_system.tracker.crew.erasure import ID_COLUMNS, NAME_COLUMNS
from streaming_system.tracker.models import Account, AuditEntry, Base, Player, Token

pytestmark = pytest.mark.both_databases

NAME, SIMILAR = "zebedee.q", "zebedee"
PASSWORD = "correct horse battery\n"
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PLAYBACK = "/api/v1/rooms/hall/playback"


@pytest.fixture
def run(tracker_settings, tmp_path):
    """Return a function that runs `streaming-system` and returns its output."""
    ini = tmp_path / "tracker.ini"
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in tracker_settings.items()]
    ini.write_text("\n".join(["[app:tracker]", "use = egg:streaming-system#tracker", *lines]))

    def run(*arguments, status=0, stdin=""):
        result = CliRunner().invoke(main, ["-c", str(ini), *arguments], input=stdin)
        assert result.exit_code == status, result.output
        if status == 1:
            assert (result.stdout, result.stderr.count("\n")) == ("", 1)
            return result.stderr
        return result.stdout

    return run


@pytest.fixture
def people(run):
    for name in (NAME, SIMILAR):
        run("admin", "create", name, "--password-stdin", stdin=PASSWORD)


@pytest.fixture
def stored(engine):
    """Return a function that returns all rows of all tables as one text."""

    def stored():
        with engine.connect() as connection:
            return "\n".join(
                repr(row)
                for table in Base.metadata.sorted_tables
                for row in connection.execute(sa.select(table))
            )

    return stored


def work(tracker, engine, name):
    """Let an account log in after a failure, issue a token, add an annotation and create a key."""
    for password in ("wrong password", PASSWORD.strip()):
        form = tracker.get("/admin/login").forms["login"]
        form["name"], form["password"] = name, password
        form.submit(expect_errors=True)
    with Session(engine) as db, db.begin():
        actions = CrewActions(db, ["hall"], account=name)
        actions.issue_token(label="The laptop", scope="room", room="hall", endpoint="", now=NOON)
        actions.annotate(at=NOON, label="Keynote begins", room="hall", now=NOON)
        actions.create_stream_key(room="hall", label="OBS", expires_at=None, now=NOON)


@pytest.fixture
def insecure(tracker_settings):
    # WebTest sends no secure cookie over http.
    tracker_settings["session.secure"] = "false"


def test_nothing_of_an_account_is_left(insecure, tracker, run, people, engine, stored, rows):
    work(tracker, engine, NAME)
    run("admin", "role", NAME, "viewer")
    run("admin", "logout", NAME)
    run("admin", "password", NAME, "--password-stdin", stdin=PASSWORD)
    assert stored().count(NAME) > 5

    assert run("tracker", "erase", "account", NAME) == f"Erased the account {NAME}.\n"

    assert NAME not in stored()
    assert [row["name"] for row in rows(Account)] == [SIMILAR]
    # What was done stays, and so do the traces of others.
    assert [row["label"] for row in rows(Token)] == ["The laptop"]
    assert rows(AuditEntry)[-1]["action"] == "account.erase"
    assert f"{SIMILAR} as admin" in {row["subject"] for row in rows(AuditEntry)}


def test_traces_of_a_deleted_account_are_erased(run, people, stored):
    run("admin", "delete", NAME)
    assert NAME in stored()

    run("tracker", "erase", "account", NAME)

    assert NAME not in stored()
    assert "nothing is stored about an account" in run(
        "tracker", "erase", "account", NAME, status=1
    )


def test_account_whose_name_contains_another_stays(run, people, stored):
    run("tracker", "erase", "account", SIMILAR)

    assert f"{NAME} as admin" in stored()
    assert SIMILAR not in stored().replace(NAME, "")


def test_labels_with_the_name_are_listed(run, people, engine):
    run("admin", "token", "issue", f"{NAME}'s laptop", "--crew")

    assert run("tracker", "erase", "account", NAME).splitlines()[1:] == [
        f'The label "{NAME}\'s laptop" still contains the name.'
    ]


def test_last_admin_is_not_erased(run, stored):
    run("admin", "create", NAME, "--password-stdin", stdin=PASSWORD)
    before = stored()

    assert "is the last admin" in run("tracker", "erase", "account", NAME, status=1)
    assert stored() == before


def test_erasure_knows_every_column_with_an_account():
    columns = {
        (table.name, column.name)
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if "account" in column.name or column.name.endswith("_by") or "user" in column.name
    }

    assert columns
    assert {name for _, name in columns} <= NAME_COLUMNS | ID_COLUMNS


def test_nothing_of_a_player_is_left(tracker, run, rows, stored):
    sid, other = str(uuid.uuid4()), str(uuid.uuid4())
    for each in (sid, other):
        tracker.post_json(PLAYBACK, {"sid": each, "played": 1000})

    assert run("tracker", "erase", "player", sid) == "Erased 1 rows.\n"

    assert sid not in stored()
    assert [row["sid"] for row in rows(Player)] == [other]


def test_old_player_is_erased_by_its_cookie(tracker, run, rows):
    for room in ("hall", "lab"):
        for _ in range(2):
            tracker.post(f"/{room}/log", {"data": json.dumps({"played": 3})})
    assert len(rows(Player)) == 2

    run("tracker", "erase", "player", tracker.cookies["user"])

    assert rows(Player) == []


def test_forged_cookie_erases_nothing(tracker, run, rows):
    for _ in range(2):
        tracker.post("/hall/log", {"data": "{}"})

    assert run("tracker", "erase", "player", "someone.0123") == "Erased 0 rows.\n"
    assert len(rows(Player)) == 1


def test_erasure_is_recorded_without_the_person(run, people, rows):
    sid = str(uuid.uuid4())
    run("tracker", "erase", "player", sid)

    entry = rows(AuditEntry)[-1]
    assert (entry["action"], entry["subject"]) == ("player.erase", "")
    assert entry["account"].startswith("cli:")
    assert entry["at"] <= datetime.now(UTC)
