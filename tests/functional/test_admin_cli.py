"""`streaming-system admin …`."""

import json
import os
import pwd
import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.cli import main
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.login_failures import LoginClient
from streaming_system.tracker.crew.logins import Logins
from streaming_system.tracker.crew.second_factor import SecondFactors, create_secret
from streaming_system.tracker.crew.server_keys import LOGIN_KEY_NAME, ServerKeys
from streaming_system.tracker.models import (
    Account,
    Annotation,
    AuditEntry,
    Endpoint,
    LoginFailure,
    RecoveryCode,
    Token,
)

from .conftest import SECRET

ME = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
PASSWORD = "correct horse\n"


@pytest.fixture
def run(tracker_settings, tmp_path):
    """Return a function that runs `streaming-system admin` and returns its output."""
    ini = tmp_path / "tracker.ini"
    lines = [f"{key} = {value}" for key, value in tracker_settings.items()]
    ini.write_text("\n".join(["[app:tracker]", "use = egg:streaming-system#tracker", *lines]))

    def run(*arguments, status=0, stdin=""):
        result = CliRunner().invoke(main, ["-c", str(ini), "admin", *arguments], input=stdin)
        assert result.exit_code == status, result.output
        if status == 1:
            assert (result.stdout, result.stderr.count("\n")) == ("", 1)
            return result.stderr
        return result.stdout

    return run


@pytest.fixture
def ada(run):
    run("create", "ada", "--password-stdin", stdin=PASSWORD)


def test_account_is_created_listed_changed_and_deleted(run, rows):
    assert run("create", "ada", "--password-stdin", stdin=PASSWORD) == (
        "Created the admin account ada\n"
    )
    run("create", "vera", "--role", "viewer", "--password-stdin", stdin=PASSWORD)
    accounts = json.loads(run("list", "--json"))
    assert [(row["name"], row["role"]) for row in accounts] == [
        ("ada", "admin"),
        ("vera", "viewer"),
    ]

    assert run("role", "vera", "admin") == "vera is an admin now.\n"
    assert run("password", "vera", "--password-stdin", stdin="tr0ub4dor\n") == (
        "vera has another password, and is logged out everywhere.\n"
    )
    assert [row["epoch"] for row in rows(Account) if row["name"] == "vera"] == [1]
    assert run("delete", "vera") == "Deleted the account vera.\n"
    assert [row["name"] for row in rows(Account)] == ["ada"]


def test_password_prompt_is_confirmed_and_hidden(run):
    output = run("create", "ada", stdin=PASSWORD * 2)

    assert "correct horse" not in output
    assert output.endswith("Created the admin account ada\n")


def test_list_prints_columns(run, ada):
    heading, row = run("list").splitlines()

    assert heading.split() == ["name", "role", "created_at", "second_factor"]
    assert row.split()[:2] == ["ada", "admin"]


def test_token_is_printed_once_and_can_be_revoked(run, rows):
    text = run("token", "issue", "hall 1", "--room", "hall")
    assert re.fullmatch(r"sst_[A-Za-z0-9_-]{43}\n", text)

    [token] = json.loads(run("token", "list", "--json"))
    assert (token["label"], token["scope"], token["room"]) == ("hall 1", "room", "hall")
    assert text.startswith(token["hint"])
    assert text.strip() not in run("token", "list")
    assert run("token", "revoke", str(token["id"])).startswith("Revoked the token hall 1")
    assert rows(Token)[0]["revoked_at"] is not None


@pytest.mark.parametrize(
    ("options", "scope"),
    [(["--room", "hall", "--endpoint", "a"], "endpoint"), (["--crew"], "crew")],
)
def test_token_has_the_requested_scope(run, rows, options, scope):
    run("token", "issue", "x", *options)

    assert [row["scope"] for row in rows(Token)] == [scope]


def test_endpoint_is_drained_and_undrained(run, tracker, rows):
    tracker.post("/endpoint/register", {"secret": SECRET, "group": "hall", "data": "{}"})

    line = run("drain", "hall", "203.0.113.1")
    assert [row["drained"] for row in rows(Endpoint)] == [True]
    assert line == (
        "203.0.113.1 of hall is drained, but no other server can take new viewers of hall: it gets "
        "them until one can.\n"
    )
    run("undrain", "hall", "203.0.113.1")
    assert [row["drained"] for row in rows(Endpoint)] == [False]


def test_endpoints_are_listed_with_state_and_load(run, tracker, engine):
    for sender in ("203.0.113.1", "203.0.113.2"):
        form = {"secret": SECRET, "group": "hall", "data": '{"overall_clients": 3}'}
        tracker.post("/endpoint/register", form, extra_environ={"REMOTE_ADDR": sender})
    run("drain", "hall", "203.0.113.1")
    with engine.begin() as connection:
        silent = sa.update(Endpoint).where(Endpoint.name == "203.0.113.2")
        connection.execute(silent.values(last_seen=datetime.now(UTC) - timedelta(hours=1)))

    endpoints = json.loads(run("endpoints", "--json"))

    assert [
        (e["room"], e["endpoint"], e["state"], e["drained"], e["clients"]) for e in endpoints
    ] == [
        ("hall", "203.0.113.1", "alive", True, 3),
        ("hall", "203.0.113.2", "silent", False, 3),
    ]
    heading, first, _ = run("endpoints").splitlines()
    assert heading.split()[:5] == ["room", "endpoint", "state", "drained", "draining"]
    assert first.split()[:5] == ["hall", "203.0.113.1", "alive", "yes", "no"]


def test_logout_ends_sessions_and_keeps_the_password(run, ada, rows):
    [before] = rows(Account)

    assert run("logout", "ada") == "ada is logged out everywhere.\n"

    [after] = rows(Account)
    assert after == before | {"epoch": before["epoch"] + 1}


@pytest.mark.parametrize(
    ("command", "password"),
    [(["unlock", "ada"], PASSWORD), (["password", "ada", "--password-stdin"], "tr0ub4dor\n")],
)
def test_lockout_ends_with_a_command(run, ada, engine, rows, command, password):
    with Session(engine) as db:
        key = ServerKeys(db).get(LOGIN_KEY_NAME)
    logins, client = Logins(sessionmaker(engine), key), LoginClient(address="203.0.113.1")

    def log_in(password):
        now = datetime.now(UTC)
        return logins.log_in("ada", password.strip(), client=client, now=now)

    assert [log_in("wrong horse").retry_after for _ in range(6)] == [0] * 5 + [1]

    run(*command, stdin=password)

    assert rows(LoginFailure) == []
    assert log_in(password).name == "ada"


def test_second_factor_is_listed_and_reset(run, ada, engine, rows):
    now, secret = datetime.now(UTC), create_secret()
    with Session(engine) as db:
        account = Accounts(db).require("ada")
        SecondFactors(db).enable(account, secret, pyotp.TOTP(secret).at(now), now=now)
        db.commit()
    assert run("list").splitlines()[1].split()[-1] == "yes"
    assert secret not in run("list", "--json")

    line = run("reset-second-factor", "ada")

    assert line == "ada logs in without a second factor, and is logged out everywhere.\n"
    assert (rows(Account)[0]["totp_secret"], rows(RecoveryCode)) == (None, [])
    assert "ada has no second factor" in run("reset-second-factor", "ada", status=1)


@pytest.mark.parametrize("password", ["12345678", "test-conf-ada"])
def test_guessable_password_is_refused(run, rows, password):
    line = run("create", "ada", "--password-stdin", stdin=f"{password}\n", status=1)

    assert "the password is easy to guess; use a longer one" in line
    assert rows(Account) == []


def test_failed_logins_are_listed_apart(run, ada, engine):
    with Session(engine) as db:
        AuditLog(db).record(account="ada", action="login.failed", subject="", now=datetime.now(UTC))
        db.commit()

    def actions(*options):
        return [row["action"] for row in json.loads(run("audit", "--json", *options))]

    assert actions() == ["account.create"]
    assert actions("--failed-logins") == ["login.failed"]


def test_annotation_is_added_listed_and_deleted(run, rows):
    run("annotate", "Keynote", "--at", "2026-11-24 12:00", "--room", "hall")

    [annotation] = json.loads(run("annotations", "--json"))
    number = annotation.pop("id")
    assert annotation == {
        "at": "2026-11-24T12:00:00Z",
        "room": "hall",
        "label": "Keynote",
        "created_by": ME,
    }
    assert run("annotations", "--delete", str(number)) == "Deleted the annotation Keynote.\n"
    assert rows(Annotation) == []


def test_audit_trail_has_actions_with_the_system_user(run, ada, rows):
    run("annotate", "Keynote")
    run("token", "issue", "x", "--crew")

    trail = json.loads(run("audit", "--json"))
    assert [(row["account"], row["action"]) for row in trail] == [
        (ME, "token.issue"),
        (ME, "annotation.add"),
        (ME, "account.create"),
    ]
    assert len(json.loads(run("audit", "--json", "--limit", "1"))) == 1
    assert json.loads(run("audit", "--json", "--account", "ada")) == []
    assert len(rows(AuditEntry)) == 3


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["role", "ada", "viewer"], "ada is the last admin; make another one first"),
        (["delete", "ada"], "ada is the last admin; make another one first"),
        (["delete", "eve"], "there is no account called 'eve'"),
        (["unlock", "eve"], "there is no account called 'eve'"),
        (["logout", "eve"], "there is no account called 'eve'"),
        (["delete", "a\x1b[2K"], r"there is no account called 'a\x1b[2K'"),
        (["create", "ada", "--password-stdin"], "there is an account called ada already"),
        (["create", "a b", "--password-stdin"], "the name 'a b' is not allowed"),
        (["token", "issue", "x", "--room", "cellar"], "there is no room 'cellar'; allowed: hall"),
        (["token", "issue", "x", "--crew", "--room", "hall"], "the scope crew has no room"),
        (["token", "issue", "", "--crew"], "the label is empty"),
        (["token", "revoke", "99"], "there is no such token, or it has been revoked already"),
        (["token", "revoke", "9999999999999999999"], "there is no such token"),
        (["drain", "hall", "gone"], "there is no endpoint gone in the room hall"),
        (["annotate", "x", "--at", "noon"], "the time 'noon' cannot be read"),
        (["annotate", "a\nb"], "the label has characters that cannot be shown"),
        (["annotations", "--delete", "99"], "there is no such annotation"),
    ],
)
def test_failed_action_is_one_line_and_changes_nothing(run, ada, rows, arguments, line):
    assert line in run(*arguments, status=1, stdin=PASSWORD)

    assert [row["action"] for row in rows(AuditEntry)] == ["account.create"]
    assert len(rows(Account)) == 1


def test_short_password_is_rejected(run):
    line = run("create", "ada", "--password-stdin", stdin="short\n", status=1)

    assert "a password has at least 8 characters" in line


def test_token_without_a_scope_is_wrong_usage(run):
    run("token", "issue", "x", status=2)


def test_create_if_none_does_nothing_if_an_account_exists(run, ada, rows):
    assert run("create", "--if-none") == ""
    assert len(rows(Account)) == 1
