"""The crew's pages behind the log-in, as a browser without JavaScript uses them."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.crew import passwords
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.passwords import hash_password
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import (
    Account,
    Annotation,
    AuditEntry,
    Endpoint,
    LoginFailure,
    Token,
)

from .conftest import SECRET

PAGES = ("", "/endpoints", "/tokens", "/annotations", "/accounts", "/audit", "/password")
PASSWORD = "correct horse"
# Reports are taken at the real time.
NOON = datetime.now(UTC).replace(microsecond=0)
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def clock():
    """A clock that stands still until a test moves it."""

    class Clock:
        now = NOON

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def start(app_pool, tracker_settings, clock):
    """Return a function that gives a browser, and the process of the tracker that it asks.

    :param process: two that have another name share nothing but the database.
    """

    def start(process="", **more):
        settings = tracker_settings | {"session.secure": "false", "limit.logins": "off"} | more
        app = app_pool.get(tracker_app.main, settings, worker=process)
        app.registry["clock"] = clock
        return TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    return start


@pytest.fixture
def people(database, hash_):
    """Accounts: ada and alan are admins, vera is a viewer."""
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db:
        for name, role in (("ada", "admin"), ("alan", "admin"), ("vera", "viewer")):
            db.add(Account(name=name, password_hash=hash_, role=role, created_at=NOON))
        db.commit()
    engine.dispose()


@pytest.fixture(scope="session")
def hash_():
    """What is kept of the password of all: hashing takes long on purpose."""
    return hash_password(PASSWORD)


@pytest.fixture
def anonymous(people, start):
    return start()


@pytest.fixture
def browser(people, start):
    """Return a function that gives a browser in which somebody has logged in."""

    def browser(name):
        app = start()
        assert log_in(app, name).status_int == 303
        return app

    return browser


@pytest.fixture
def ada(browser):
    return browser("ada")


@pytest.fixture
def vera(browser):
    return browser("vera")


@pytest.fixture
def endpoint(ada):
    fields = {"secret": SECRET, "group": "hall", "data": '{"overall_clients": 3}'}
    ada.post("/endpoint/register", fields)
    return "203.0.113.1"


def log_in(app, name, password=PASSWORD, **more):
    form = login_form(app)
    form["name"], form["password"] = name, password
    return form.submit(**more)


def login_form(app):
    """Return the form of the page; who has logged in has one above it to log out."""
    return app.get("/admin/login").forms["login"]


def form_of(app, path, deed, nth=0):
    """Return the nth form of a page that has a button of that name."""
    page = app.get(path)
    forms = page.forms.values()
    found = [f for f in forms if any(b._value == deed for b in f.fields.get("do", []))]
    # WebTest lists a form under its number and its id.
    return list(dict.fromkeys(found))[nth]


def deed(app, path, button, nth=0, /, status=303, **fields):
    """Fill a form in, press its button, and return the answer."""
    form = form_of(app, path, button, nth)
    for field, value in fields.items():
        form[field].force_value(value)
    return form.submit("do", value=button, status=status)


def flash(answer):
    return answer.follow().html.select_one(".flash").get_text(strip=True)


def error(answer):
    [line] = re.findall(r'<p class="error"[^>]*>([^<]*)</p>', answer.text)
    return line


class TestPages:
    @pytest.mark.parametrize("path", PAGES)
    def test_everybody_who_has_logged_in_may_look(self, ada, vera, path):
        for app in (ada, vera):
            answer = app.get(f"/admin{path}")

            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Content-Security-Policy"].startswith(
                "default-src 'none'; style-src 'self'; form-action 'self';"
            )
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert not re.search(r"<script| style=|<style| on[a-z]+=", answer.text)

    @pytest.mark.parametrize("path", PAGES)
    def test_nobody_else_may(self, anonymous, path):
        answer = anonymous.get(f"/admin{path}", status=303)

        query = f"?next=%2Fadmin{path.replace('/', '%2F')}" if path else ""
        assert answer.location == f"http://localhost/admin/login{query}"

    def test_a_viewer_gets_no_buttons_that_change_anything(self, ada, vera, endpoint):
        deed(ada, "/admin/tokens", "issue", label="x", scope="crew", status=200)
        deed(ada, "/admin/annotations", "add", label="x")

        for path in ("", "/endpoints", "/tokens", "/annotations", "/accounts", "/audit"):
            buttons = vera.get(f"/admin{path}").html.find_all("button")
            assert {b.get_text() for b in buttons} <= {"Log out", "Show"}, path

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("endpoints", {"do": "drain", "room": "hall", "name": "203.0.113.1"}),
            ("endpoints", {"do": "undrain", "room": "hall", "name": "203.0.113.1"}),
            ("tokens", {"do": "issue", "label": "x", "scope": "crew"}),
            ("tokens", {"do": "revoke", "id": "1"}),
            ("annotations", {"do": "add", "label": "x"}),
            ("annotations", {"do": "remove", "id": "1"}),
            ("accounts", {"do": "create", "name": "eve", "role": "admin", "password": PASSWORD}),
            ("accounts", {"do": "role", "name": "vera", "role": "admin"}),
            ("accounts", {"do": "reset", "name": "ada", "password": PASSWORD}),
            ("accounts", {"do": "delete", "name": "ada"}),
        ],
    )
    def test_a_viewer_who_sends_a_form_all_the_same_is_refused(self, vera, rows, path, fields):
        before = rows(Account)
        token = vera.get("/admin").forms[0]["csrf_token"].value

        answer = vera.post(f"/admin/{path}", fields | {"csrf_token": token}, status=403)

        assert "Your account may look, and change nothing." in answer.text
        assert (rows(Account), rows(Token), rows(Annotation)) == (before, [], [])

    def test_who_has_not_logged_in_cannot_send_one_either(self, anonymous, rows):
        token = anonymous.get("/admin/login").form["csrf_token"].value
        fields = {"do": "issue", "label": "x", "scope": "crew", "csrf_token": token}

        answer = anonymous.post("/admin/tokens", fields, status=303)

        assert answer.location == "http://localhost/admin/login"
        assert rows(Token) == []


class TestForms:
    @pytest.mark.parametrize(
        ("path", "do"),
        [("login", ""), ("logout", ""), ("tokens", "issue"), ("password", "everywhere")],
    )
    @pytest.mark.parametrize("token", [{}, {"csrf_token": "0" * 40}])
    def test_one_without_the_session_s_token_is_refused(self, ada, rows, path, do, token):
        fields = {"do": do, "label": "x", "scope": "crew", "name": "ada"} | token

        answer = ada.post(f"/admin/{path}", fields, status=400)

        assert "This form is too old, or is not from this site." in answer.text
        assert rows(Token) == []

    def test_one_from_another_site_is_refused_though_it_has_the_token(self, people, start):
        app = start(**{"session.secure": "true"})
        app.extra_environ |= {"wsgi.url_scheme": "https", "HTTP_HOST": "live.example"}

        for origin in ("https://evil.example", "null", "http://live.example"):
            answer = log_in(app, "ada", headers={"Origin": origin}, status=400)
            assert "is not from this site" in answer.text
        log_in(app, "ada", headers={"Origin": "https://live.example"}, status=303)

    def test_the_old_protocol_needs_no_token_and_gets_no_cookie(self, anonymous):
        fields = {"secret": SECRET, "group": "hall", "data": "{}"}

        answer = anonymous.post("/endpoint/register", fields)

        assert (answer.text, answer.headers.getall("Set-Cookie")) == ("OK\n", [])

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            (b"a" * 70_000, "application/x-www-form-urlencoded", 413),
            (b"name=%FF", "application/x-www-form-urlencoded", 400),
            (b"name=a", "application/x-www-form-urlencoded; charset=klingon", 400),
            (b"--x\r\nContent-Disposition: form-data", "multipart/form-data; boundary=x", 400),
            (b"\x00\x01", "multipart/form-data", 400),
        ],
    )
    def test_what_is_no_form_is_refused_in_a_line(self, anonymous, body, kind, status):
        answer = anonymous.post("/admin/login", body, content_type=kind, status="*")

        assert answer.status_int == status
        assert "Traceback" not in answer.text

    def test_a_file_is_no_text(self, anonymous):
        token = anonymous.get("/admin/login").form["csrf_token"].value
        files = [("name", "a.txt", b"ada"), ("password", "b.txt", PASSWORD.encode())]

        answer = anonymous.post(
            "/admin/login", {"csrf_token": token}, upload_files=files, status=400
        )

        assert error(answer) == "Name or password is wrong."


class TestLogIn:
    def test_who_is_logged_in_is_told_so(self, ada):
        assert "You are logged in as <strong>ada</strong>" in ada.get("/admin").text

    @pytest.mark.parametrize(("name", "password"), [("ada", "wrong horse"), ("eve", PASSWORD)])
    def test_a_wrong_name_and_a_wrong_password_are_told_alike(self, anonymous, name, password):
        answer = log_in(anonymous, name, password, status=400)

        assert error(answer) == "Name or password is wrong."
        assert answer.form["name"].value == name
        assert answer.form["password"].value == ""
        anonymous.get("/admin", status=303)

    def test_the_cookie_is_for_the_admin_pages_over_https_and_for_no_script(self, people, start):
        app = start(**{"session.secure": "true"})
        app.extra_environ |= {"wsgi.url_scheme": "https", "SCRIPT_NAME": "/tracker"}

        [cookie] = app.get("/admin/login").headers.getall("Set-Cookie")

        name, _, rest = cookie.partition("=")
        assert name == "crew"
        assert set(rest.split("; ")[1:]) == {
            "Path=/tracker/admin",
            "secure",
            "HttpOnly",
            "SameSite=Lax",
        }

    def test_logging_in_begins_another_session(self, anonymous):
        before = anonymous.get("/admin/login").form["csrf_token"].value
        cookie = anonymous.cookies["crew"]

        log_in(anonymous, "ada")

        assert anonymous.cookies["crew"] != cookie
        assert anonymous.get("/admin").forms[0]["csrf_token"].value != before

    @pytest.mark.parametrize("path", ["/admin/tokens", "/admin/audit?account=ada"])
    def test_one_comes_back_to_the_page_that_one_wanted(self, anonymous, path):
        form = anonymous.get(path).follow().form
        form["name"], form["password"] = "ada", PASSWORD

        assert form.submit(status=303).location == f"http://localhost{path}"

    @pytest.mark.parametrize(
        "path",
        [
            "https://evil.example/admin",
            "//evil.example/admin",
            "/\\evil.example",
            "/admin/../../evil",
            "/admin@evil.example",
            "/admin\r\nSet-Cookie: a=b",
            "/admin//evil.example",
            "javascript:alert(1)",
            "/admin?\u2028",
            "",
        ],
    )
    def test_and_to_no_other_site(self, anonymous, path):
        form = anonymous.get("/admin/login", {"next": path}).form
        form["name"], form["password"] = "ada", PASSWORD

        assert form.submit(status=303).location == "http://localhost/admin"

    def test_below_a_prefix_everything_stays_below_it(self, people, start):
        app = start()
        app.extra_environ["SCRIPT_NAME"] = "/tracker"

        answer = app.get("/admin/tokens", status=303)
        assert answer.location == "http://localhost/tracker/admin/login?next=%2Fadmin%2Ftokens"
        form = app.get("/admin/login?next=/admin/tokens").form
        assert form.action == "/tracker/admin/login"

    def test_logging_out_ends_the_session_and_says_so(self, ada):
        answer = ada.get("/admin").forms[0].submit(status=303)

        assert flash(answer) == "You are logged out."
        ada.get("/admin", status=303)

    def test_a_copy_of_the_cookie_is_worth_nothing_after_that(self, ada):
        cookie = {"Cookie": f"crew={ada.cookies['crew']}"}
        ada.get("/admin").forms[0].submit(status=303)

        ada.reset()
        ada.get("/admin", headers=cookie, status=303)

    def test_a_forged_cookie_is_none(self, anonymous):
        for cookie in ("", "a", "AAAA" * 40, "\u00e4"):
            anonymous.get("/admin", headers={"Cookie": f"crew={cookie}"}, status=303)

    def test_a_session_ends_when_nobody_uses_it(self, ada, clock):
        for hours in (11, 22):
            clock.now = NOON + timedelta(hours=hours)
            ada.get("/admin", status=200)

        clock.now = NOON + timedelta(hours=34)
        ada.get("/admin", status=303)

    def test_and_after_three_days_in_any_case(self, ada, clock):
        for hours in range(0, 72, 8):
            clock.now = NOON + timedelta(hours=hours)
            ada.get("/admin", status=200)

        clock.now = NOON + timedelta(hours=72)
        ada.get("/admin", status=303)

    def test_what_is_in_the_cookie_is_no_secret(self, ada):
        cookie = ada.cookies["crew"]
        held = base64.urlsafe_b64decode(cookie + "==")
        assert b"ada" not in held
        assert b"argon2" not in held


class TestLockOut:
    def test_who_guesses_waits_longer_and_longer_whichever_worker_answers(
        self, people, start, clock
    ):
        workers = [start("one"), start("two")]
        for attempt in range(5):
            log_in(workers[attempt % 2], "ada", "wrong horse", status=400)

        waits = []
        for attempt in range(12):
            answer = log_in(workers[attempt % 2], "ada", PASSWORD + "?", status=429)
            waits.append(int(answer.headers["Retry-After"]))
            # Not even the right password helps, a second before the end.
            clock.now += timedelta(seconds=waits[-1] - 1)
            log_in(workers[1], "ada", status=429)
            clock.now += timedelta(seconds=1)
            log_in(workers[0], "ada", "wrong horse", status=400)

        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]

    def test_it_is_told_in_a_plain_sentence(self, anonymous, clock):
        for _ in range(5):
            log_in(anonymous, "ada", "wrong horse", status=400)

        answer = log_in(anonymous, "ada", status=429)

        assert error(answer) == "Too many attempts; try again in 1 second."

    def test_its_end_is_the_right_password_after_the_wait(self, anonymous, clock, rows):
        for _ in range(5):
            log_in(anonymous, "ada", "wrong horse", status=400)
        clock.now += timedelta(seconds=1)

        log_in(anonymous, "ada", status=303)

        assert rows(LoginFailure) == []

    def test_somebody_else_s_guesses_do_not_lock_the_owner_out(self, people, start):
        attacker, owner = start(), start()
        attacker.extra_environ["REMOTE_ADDR"] = "198.51.100.7"
        for _ in range(5):
            log_in(attacker, "ada", "wrong horse", status=400)

        log_in(attacker, "ada", status=429)
        log_in(owner, "ada", status=303)

    def test_many_addresses_that_guess_one_name_wait_together(self, people, start, database):
        app = start()
        log_in(app, "ada", "wrong horse", status=400)
        engine = make_engine({"sqlalchemy.url": database})
        with engine.begin() as connection:
            connection.execute(sa.update(LoginFailure).values(count=49))
        engine.dispose()

        for number, status in ((1, 400), (2, 429)):
            app.extra_environ["REMOTE_ADDR"] = f"198.51.100.{number}"
            log_in(app, "ada", "wrong horse", status=status)
        log_in(app, "alan", status=303)

    def test_addresses_of_one_network_count_as_one(self, people, start):
        app = start()
        for number in range(5):
            app.extra_environ["REMOTE_ADDR"] = f"2001:db8:0:1::{number}"
            log_in(app, "ada", "wrong horse", status=400)

        app.extra_environ["REMOTE_ADDR"] = "2001:db8:0:1:ffff::1"
        log_in(app, "ada", status=429)
        app.extra_environ["REMOTE_ADDR"] = "2001:db8:0:2::1"
        log_in(app, "ada", status=303)

    def test_no_address_and_no_name_is_kept(self, anonymous, rows):
        log_in(anonymous, "eve", "wrong horse", status=400)

        kept = [row["key"] for row in rows(LoginFailure)]
        assert len(kept) == 2
        plain = (b"eve", b"eve|203.0.113.1", b"203.0.113.1")
        assert not set(kept) & {hashlib.sha256(text).hexdigest() for text in plain}
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in kept)

    def test_failures_of_yesterday_are_forgotten(self, anonymous, clock, rows):
        for _ in range(5):
            log_in(anonymous, "eve", "wrong horse", status=400)
        clock.now += timedelta(days=1)

        log_in(anonymous, "ada", status=303)

        assert rows(LoginFailure) == []


class TestTokens:
    def test_one_is_shown_once_and_works_until_it_is_revoked(self, ada, rows, database):
        answer = deed(
            ada, "/admin/tokens", "issue", label="hall 1", scope="room", room="hall", status=200
        )

        [text] = set(re.findall(r"sst_[A-Za-z0-9_-]{43}", answer.text))
        [row] = rows(Token)
        assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()
        assert (row["label"], row["room"], row["created_by"]) == ("hall 1", "hall", "ada")
        assert "It is good for all endpoints of hall." in answer.text
        assert text[10:] not in str(answer.headers)
        again = ada.get("/admin/tokens").text
        assert text not in again
        assert text[:10] in again

        assert flash(deed(ada, "/admin/tokens", "revoke")) == (
            f"Revoked the token hall 1 ({text[:10]}…)."
        )
        assert "revoked" in ada.get("/admin/tokens").text
        assert rows(Token)[0]["revoked_at"] == NOON

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"label": " "}, "The label is empty."),
            ({"label": "a" * 101}, "The label is too long; allowed: 100 characters."),
            ({"label": "a" * 401}, "The field label is too long."),
            ({"room": ""}, "Choose a room."),
            ({"room": "cellar"}, "There is no room &#39;cellar&#39;; allowed: hall, lab, tube."),
            ({"scope": "endpoint"}, "The endpoint is empty."),
            ({"scope": "crew"}, "A token for the scope crew has no room."),
            ({"endpoint": "a"}, "A token for the scope room has no endpoint."),
        ],
    )
    def test_one_that_will_not_do_is_one_line_and_keeps_what_was_typed(
        self, ada, rows, fields, line
    ):
        fields = {"label": "x", "scope": "room", "room": "hall", "endpoint": ""} | fields

        answer = deed(ada, "/admin/tokens", "issue", status=400, **fields)

        assert error(answer) == line
        assert answer.html.select_one("#label")["value"] == fields["label"]
        assert answer.html.select_one("#scope [selected]")["value"] == fields["scope"]
        assert rows(Token) == []

    @pytest.mark.parametrize("number", ["0", "-1", "99", "2147483648", "1e9", "1;--", "", "\u0661"])
    def test_a_number_of_none_is_one_line(self, ada, number):
        form = ada.get("/admin").forms[0]
        fields = {"do": "revoke", "id": number, "csrf_token": form["csrf_token"].value}

        answer = ada.post("/admin/tokens", fields, status=400)

        assert error(answer) in (
            "There is no such token, or it has been revoked already.",
            "The field id is no number.",
        )


class TestEndpoints:
    def test_one_is_drained_and_undrained(self, ada, endpoint, rows):
        drained = deed(ada, "/admin/endpoints", "drain")
        assert flash(drained) == "203.0.113.1 of hall gets no new viewers."
        assert [row["drained"] for row in rows(Endpoint)] == [True]
        assert "drained by the crew" in ada.get("/admin/endpoints").text

        assert flash(deed(ada, "/admin/endpoints", "undrain")) == (
            "203.0.113.1 of hall gets viewers again."
        )
        assert [row["drained"] for row in rows(Endpoint)] == [False]

    def test_one_that_is_gone_is_one_line(self, ada):
        token = ada.get("/admin").forms[0]["csrf_token"].value
        fields = {"do": "drain", "room": "hall", "name": "gone", "csrf_token": token}

        answer = ada.post("/admin/endpoints", fields, status=400)

        assert error(answer) == "There is no endpoint gone in the room hall."


class TestAnnotations:
    def test_one_without_a_time_is_about_now_and_all_rooms(self, ada, rows):
        answer = deed(ada, "/admin/annotations", "add", label="Keynote")

        assert flash(answer) == "Added the annotation Keynote."
        [row] = rows(Annotation)
        del row["id"]
        assert row == {"at": NOON, "label": "Keynote", "room": "", "created_by": "ada"}

    @pytest.mark.parametrize(
        "text", ["2026-11-23 09:30", "2026-11-23T09:30", "2026-11-23T10:30:00+01:00"]
    )
    def test_a_time_is_utc_unless_it_says_otherwise(self, ada, rows, text):
        deed(ada, "/admin/annotations", "add", label="x", at=text, room="lab")

        [row] = rows(Annotation)
        assert (row["at"], row["room"]) == (datetime(2026, 11, 23, 9, 30, tzinfo=UTC), "lab")

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"at": "noon"}, "The time &#39;noon&#39; cannot be read"),
            ({"at": "1999-12-31 12:00"}, "The time is not within the years 2000 to 2099."),
            ({"at": "0001-01-01T00:00+14:00"}, "The time is not within the years 2000 to 2099."),
            ({"label": ""}, "The label is empty."),
            ({"room": "cellar"}, "There is no room &#39;cellar&#39;"),
        ],
    )
    def test_one_that_will_not_do_is_one_line_and_keeps_what_was_typed(
        self, ada, rows, fields, line
    ):
        answer = deed(ada, "/admin/annotations", "add", status=400, **{"label": "x"} | fields)

        assert error(answer).startswith(line)
        assert answer.html.select_one("#at")["value"] == fields.get("at", "")
        assert rows(Annotation) == []

    def test_one_can_be_deleted(self, ada, rows):
        deed(ada, "/admin/annotations", "add", label="Keynote")

        answer = deed(ada, "/admin/annotations", "remove")

        assert flash(answer) == "Deleted the annotation Keynote."
        assert rows(Annotation) == []


class TestAccounts:
    def test_a_new_one_can_log_in(self, ada, start):
        answer = deed(
            ada,
            "/admin/accounts",
            "create",
            name="eve",
            role="viewer",
            password="tr0ub4dor",
            again="tr0ub4dor",
        )

        assert flash(answer) == "Created the viewer account eve."
        log_in(start(), "eve", "tr0ub4dor", status=303)

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"name": "ada"}, "There is an account called ada already."),
            ({"name": "a b"}, "The name &#39;a b&#39; is not allowed"),
            ({"name": "cli:root"}, "The name &#39;cli:root&#39; is not allowed"),
            ({"role": "owner"}, "The role is &#39;owner&#39;; allowed: admin, viewer."),
            ({"password": "short", "again": "short"}, "A password has at least 8 characters"),
            ({"again": "other horse"}, "The two passwords are not the same."),
        ],
    )
    def test_one_that_will_not_do_is_one_line(self, ada, rows, fields, line):
        before = rows(Account)
        fields = {"name": "eve", "role": "admin", "password": PASSWORD, "again": PASSWORD} | fields

        answer = deed(ada, "/admin/accounts", "create", status=400, **fields)

        assert error(answer).startswith(line)
        assert answer.html.select_one("#name")["value"] == fields["name"]
        assert PASSWORD not in answer.text
        assert rows(Account) == before

    def test_another_role_holds_at_once(self, ada, browser):
        alan = browser("alan")

        assert flash(deed(ada, "/admin/accounts", "role", 1)) == "alan is a viewer now."

        assert "Drain" not in alan.get("/admin/endpoints").text
        assert alan.get("/admin/accounts").html.select("main button") == []

    def test_a_reset_password_ends_the_sessions_of_its_account(self, ada, browser, start):
        vera = browser("vera")

        answer = deed(ada, "/admin/accounts", "reset", 2, password="tr0ub4dor", again="tr0ub4dor")

        assert flash(answer) == "vera has another password, and is logged out everywhere."
        vera.get("/admin", status=303)
        log_in(start(), "vera", PASSWORD, status=400)
        log_in(start(), "vera", "tr0ub4dor", status=303)

    def test_a_deleted_one_is_logged_out(self, ada, browser, rows):
        vera = browser("vera")

        assert flash(deed(ada, "/admin/accounts", "delete", 2)) == "Deleted the account vera."

        vera.get("/admin", status=303)
        assert {row["name"] for row in rows(Account)} == {"ada", "alan"}

    @pytest.mark.parametrize("name", ["role", "delete"])
    def test_the_last_admin_stays_one(self, ada, rows, name):
        deed(ada, "/admin/accounts", "delete", 1)

        answer = deed(ada, "/admin/accounts", name, 0, status=400)

        assert error(answer) == "Ada is the last admin; make another one first."
        assert {(row["name"], row["role"]) for row in rows(Account)} == {
            ("ada", "admin"),
            ("vera", "viewer"),
        }


class TestPassword:
    def test_a_change_keeps_this_session_and_ends_all_others(self, vera, browser, start):
        other = browser("vera")

        answer = deed(
            vera, "/admin/password", "change", old=PASSWORD, new="tr0ub4dor", again="tr0ub4dor"
        )

        assert flash(answer) == "Your password is changed; all other sessions have ended."
        vera.get("/admin", status=200)
        other.get("/admin", status=303)
        log_in(start(), "vera", "tr0ub4dor", status=303)

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"old": "wrong horse"}, "The old password is wrong."),
            ({"again": "other"}, "The two new passwords are not the same."),
            ({"new": "short", "again": "short"}, "A password has at least 8 characters"),
        ],
    )
    def test_one_that_will_not_do_changes_nothing(self, vera, rows, fields, line):
        before = rows(Account)
        fields = {"old": PASSWORD, "new": "tr0ub4dor", "again": "tr0ub4dor"} | fields

        answer = deed(vera, "/admin/password", "change", status=400, **fields)

        assert error(answer).startswith(line)
        assert rows(Account) == before

    def test_who_guesses_the_old_one_waits_and_is_noted(self, vera, clock, rows):
        fields = {"new": "tr0ub4dor", "again": "tr0ub4dor"}
        for _ in range(5):
            deed(vera, "/admin/password", "change", old="wrong horse", status=400, **fields)

        answer = deed(vera, "/admin/password", "change", old=PASSWORD, status=429, **fields)

        assert error(answer) == "Too many attempts; try again in 1 second."
        assert answer.headers["Retry-After"] == "1"
        noted = [row["account"] for row in rows(AuditEntry) if row["action"] == "login.failed"]
        assert noted == ["vera"] * 5
        clock.now += timedelta(seconds=1)
        deed(vera, "/admin/password", "change", old=PASSWORD, status=303, **fields)

    def test_guesses_count_as_log_ins(self, people, start):
        app = start("limited", **{"limit.logins": "2/hour"})
        log_in(app, "vera", status=303)
        fields = {"old": "wrong horse", "new": "tr0ub4dor", "again": "tr0ub4dor"}

        deed(app, "/admin/password", "change", status=400, **fields)
        deed(app, "/admin/password", "change", status=429, **fields)

    def test_no_report_waits_while_it_is_checked(self, vera, monkeypatch, rows):
        matches = passwords.verify

        def slowly(*args):
            registration = {"secret": SECRET, "group": "hall", "data": "{}"}
            vera.post("/endpoint/register", registration, status=200)
            return matches(*args)

        monkeypatch.setattr(passwords, "verify", slowly)

        deed(vera, "/admin/password", "change", old=PASSWORD, new="tr0ub4dor", again="tr0ub4dor")

        assert len(rows(Endpoint)) == 1

    def test_one_can_log_out_everywhere(self, ada, browser):
        other = browser("ada")

        answer = deed(ada, "/admin/password", "everywhere")

        assert flash(answer) == "You are logged out everywhere."
        for app in (ada, other):
            app.get("/admin", status=303)

    def test_an_older_way_of_hashing_is_replaced_at_the_next_log_in(
        self, people, start, rows, database
    ):
        engine = make_engine({"sqlalchemy.url": database})
        with Session(engine) as db:
            weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
            Accounts(db).find("ada").password_hash = weak
            db.commit()
        engine.dispose()

        log_in(start(), "ada", status=303)

        [kept] = [row["password_hash"] for row in rows(Account) if row["name"] == "ada"]
        assert not passwords.HASHER.check_needs_rehash(kept)
        log_in(start(), "ada", status=303)


class TestAudit:
    def test_what_was_done_is_written_down_with_who_did_it(self, ada, endpoint, rows):
        log_in(ada, "eve", "secret typed as a name", status=400)
        log_in(ada, "vera", "wrong horse", status=400)
        deed(ada, "/admin/endpoints", "drain")
        deed(ada, "/admin/annotations", "add", label="Keynote")
        deed(ada, "/admin/accounts", "role", 1)
        ada.get("/admin").forms[0].submit()

        noted = [(row["account"], row["action"]) for row in rows(AuditEntry)]
        assert noted == [
            ("ada", "login"),
            ("", "login.failed"),
            ("vera", "login.failed"),
            ("ada", "endpoint.drain"),
            ("ada", "annotation.add"),
            ("ada", "account.role"),
            ("ada", "logout"),
        ]
        assert "eve" not in str(rows(AuditEntry))

    def test_it_can_be_asked_for_by_account(self, ada, browser):
        browser("vera")

        answer = ada.get("/admin/audit", {"account": "vera"})
        names = {cell.get_text() for cell in answer.html.select("tbody th")}
        assert names == {"vera"}
        for other in ("nobody", "' OR 1=1 --", "\x00", EVIL):
            assert len(ada.get("/admin/audit", {"account": other}).html.select("tbody tr")) == 2

    def test_it_shows_two_hundred_at_most(self, ada, database):
        engine = make_engine({"sqlalchemy.url": database})
        with Session(engine) as db:
            for number in range(201):
                AuditLog(db).record(account="x", action="x", subject=f"{number}", now=NOON)
            db.commit()
        engine.dispose()

        assert len(ada.get("/admin/audit").html.select("tbody tr")) == 200


class TestInjection:
    @pytest.mark.parametrize(
        "text",
        [
            EVIL,
            "'; DROP TABLE account; --",
            '=HYPERLINK("http://evil.example")',
            "a\r\nSet-Cookie: evil=1",
            "a\x00b",
            "../../etc/passwd",
            "\ud800",
            "%0d%0aX: y",
            "\u202egnp.exe",
        ],
    )
    def test_no_field_lets_a_text_be_more_than_text(self, ada, endpoint, rows, text):
        """Each field takes it as text or refuses it in one line; nothing is a 5xx."""
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
        token = ada.get("/admin").forms[0]["csrf_token"].value
        forms = {
            "tokens": ({"do": "issue", "scope": "room", "room": "hall", "label": "x"}, "endpoint"),
            "annotations": ({"do": "add", "label": "x"}, "at", "room"),
            "accounts": (
                {"do": "create", "name": "eve", "password": text, "again": text, "role": "admin"},
            ),
            "endpoints": ({"do": "drain", "room": "hall", "name": endpoint},),
            "login": ({"name": "ada", "password": "x", "next": "x"},),
            "password": ({"do": "change", "old": "x", "new": "y", "again": "y"},),
        }
        for path, (base, *more) in forms.items():
            for field in (set(base) - {"do"}) | set(more):
                fields = base | {field: text, "csrf_token": token}
                answer = ada.post(f"/admin/{path}", fields, status="*")
                assert answer.status_int in (200, 303, 400, 403, 429), (path, field)
                assert "evil" not in str(answer.headers).lower(), (path, field)
                if answer.status_int != 303:
                    assert not answer.html.select("script, img"), (path, field)
                if path == "login":
                    token = login_form(ada)["csrf_token"].value

        for path in PAGES:
            answer = ada.get(f"/admin{path}", status="*")
            assert answer.status_int < 400
            assert not answer.html.select("script, img")
        assert {"ada", "alan", "vera"} <= {row["name"] for row in rows(Account)}
