"""The crew's pages, used by a browser without JavaScript."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import segno
import sqlalchemy as sa
from argon2 import PasswordHasher
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.crew import passwords
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import (
    Account,
    Annotation,
    AuditEntry,
    Endpoint,
    LoginFailure,
    RecoveryCode,
    Token,
)
from streaming_system.util.plugin_inventory import PluginInfo, save_inventory

from .conftest import SECRET
from .crew_pages import PASSWORD, find_form, log_in, login_form, submit

PAGES = (
    *("", "/endpoints", "/ingest", "/tokens", "/annotations", "/accounts", "/audit", "/plugins"),
    *("/feedback", "/password", "/secondfactor"),
)
# Reports use the real time.
NOON = datetime.now(UTC).replace(microsecond=0)
# The shell of the site has scripts by address, and a logo.
MARKUP_OF_A_FIELD = "script:not([src]), script[src*=evil], main img:not(.qr)"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


@pytest.fixture
def clock():
    """A frozen clock that tests can advance."""

    class Clock:
        now = NOON

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def start(app_pool, tracker_settings, clock):
    """Return a function that returns a browser, and the worker of the tracker that it uses.

    :param process: the name of the worker; workers share the database only.
    """

    def start(process="", **more):
        settings = tracker_settings | {"session.secure": "false", "limit.logins": "off"} | more
        app = app_pool.get(tracker_app.main, settings, worker=process)
        app.registry["clock"] = clock
        return TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    return start


@pytest.fixture
def anonymous(people, start):
    return start()


@pytest.fixture
def browser(people, start):
    """Return a function that returns a browser with a logged-in account."""

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


def lock(app, name, *, attempts, addresses):
    """Guess a password from several addresses until the account is locked for all of them."""
    address = app.extra_environ["REMOTE_ADDR"]
    for attempt in range(attempts):
        app.extra_environ["REMOTE_ADDR"] = f"198.51.100.{attempt % addresses}"
        assert log_in(app, name, "wrong horse", status="*").status_int in (400, 429)
    app.extra_environ["REMOTE_ADDR"] = address
    assert log_in(app, name, status="*").status_int == 429


def flash_message(response):
    return response.follow().html.select_one(".flash").get_text(strip=True)


def error_message(response):
    [line] = re.findall(r'<p class="error"[^>]*>([^<]*)</p>', response.text)
    return line


class TestPages:
    def test_pages_have_the_shell_of_the_site(self, ada, anonymous):
        for page in (ada.get("/admin"), anonymous.get("/admin/login"), anonymous.get("/api/v1/")):
            html = page.html
            assert html.select_one("header .brand").get_text(strip=True) == "Test Conf"
            assert html.select_one("header img")["src"] == "/brand/logo"
            assert [a["href"] for a in html.select('nav[aria-label="Site"] a')] == [
                "/",
                "/schedule",
            ]
            assert html.select_one("footer [data-scheme-switch] select")
            for link in html.select('link[rel="stylesheet"]'):
                assert ada.get(link["href"]).content_type == "text/css"
            for script in html.select("script"):
                assert ada.get(script["src"]).content_type.endswith("javascript")

    @pytest.mark.parametrize("path", PAGES)
    def test_every_account_may_view_the_pages(self, ada, vera, path):
        for app in (ada, vera):
            response = app.get(f"/admin{path}")

            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Content-Security-Policy"].startswith(
                "default-src 'none'; style-src 'self'; form-action 'self';"
            )
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
            assert not re.search(r"<script>| style=|<style| on[a-z]+=", response.text)

    @pytest.mark.parametrize("path", PAGES)
    def test_anonymous_browser_is_redirected_to_the_login(self, anonymous, path):
        response = anonymous.get(f"/admin{path}", status=303)

        query = f"?next=%2Fadmin{path.replace('/', '%2F')}" if path else ""
        assert response.location == f"http://localhost/admin/login{query}"

    def test_viewer_sees_no_buttons_that_change_data(self, ada, vera, endpoint):
        submit(ada, "/admin/tokens", "issue", label="x", scope="crew", status=200)
        submit(ada, "/admin/annotations", "add", label="x")

        for path in (
            "",
            "/endpoints",
            "/tokens",
            "/annotations",
            "/accounts",
            "/audit",
            "/plugins",
        ):
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
    def test_form_of_a_viewer_is_rejected(self, vera, rows, path, fields):
        before = rows(Account)
        token = vera.get("/admin").forms[0]["csrf_token"].value

        response = vera.post(f"/admin/{path}", fields | {"csrf_token": token}, status=403)

        assert "Your account may look, and change nothing." in response.text
        assert (rows(Account), rows(Token), rows(Annotation)) == (before, [], [])

    def test_form_of_an_anonymous_browser_is_rejected(self, anonymous, rows):
        token = anonymous.get("/admin/login").form["csrf_token"].value
        fields = {"do": "issue", "label": "x", "scope": "crew", "csrf_token": token}

        response = anonymous.post("/admin/tokens", fields, status=303)

        assert response.location == "http://localhost/admin/login"
        assert rows(Token) == []


class TestForms:
    @pytest.mark.parametrize(
        ("path", "do"),
        [("login", ""), ("logout", ""), ("tokens", "issue"), ("password", "everywhere")],
    )
    @pytest.mark.parametrize("token", [{}, {"csrf_token": "0" * 40}])
    def test_form_without_csrf_token_is_rejected(self, ada, rows, path, do, token):
        fields = {"do": do, "label": "x", "scope": "crew", "name": "ada"} | token

        response = ada.post(f"/admin/{path}", fields, status=400)

        assert "This form is too old, or is not from this site." in response.text
        assert rows(Token) == []

    def test_form_from_another_origin_is_rejected_even_with_token(self, people, start):
        app = start(**{"session.secure": "true"})
        app.extra_environ |= {"wsgi.url_scheme": "https", "HTTP_HOST": "live.example"}

        for origin in ("https://evil.example", "null", "http://live.example"):
            response = log_in(app, "ada", headers={"Origin": origin}, status=400)
            assert "is not from this site" in response.text
        log_in(app, "ada", headers={"Origin": "https://live.example"}, status=303)

    def test_legacy_protocol_needs_no_csrf_token_and_gets_no_cookie(self, anonymous):
        fields = {"secret": SECRET, "group": "hall", "data": "{}"}

        response = anonymous.post("/endpoint/register", fields)

        assert (response.text, response.headers.getall("Set-Cookie")) == ("OK\n", [])

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
    def test_invalid_body_is_rejected_without_traceback(self, anonymous, body, kind, status):
        response = anonymous.post("/admin/login", body, content_type=kind, status="*")

        assert response.status_int == status
        assert "Traceback" not in response.text

    def test_uploaded_files_are_ignored(self, anonymous):
        token = anonymous.get("/admin/login").form["csrf_token"].value
        files = [("name", "a.txt", b"ada"), ("password", "b.txt", PASSWORD.encode())]

        response = anonymous.post(
            "/admin/login", {"csrf_token": token}, upload_files=files, status=400
        )

        assert error_message(response) == "Name, password or code is wrong."


class TestLogIn:
    def test_page_names_the_logged_in_account(self, ada):
        assert "You are logged in as <strong>ada</strong>" in ada.get("/admin").text

    @pytest.mark.parametrize(("name", "password"), [("ada", "wrong horse"), ("eve", PASSWORD)])
    def test_wrong_name_and_wrong_password_have_the_same_message(self, anonymous, name, password):
        response = log_in(anonymous, name, password, status=400)

        assert error_message(response) == "Name, password or code is wrong."
        assert response.form["name"].value == name
        assert response.form["password"].value == ""
        anonymous.get("/admin", status=303)

    def test_session_cookie_is_limited_to_admin_pages_https_and_http_only(self, people, start):
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

    def test_login_starts_a_new_session(self, anonymous):
        before = anonymous.get("/admin/login").form["csrf_token"].value
        cookie = anonymous.cookies["crew"]

        log_in(anonymous, "ada")

        assert anonymous.cookies["crew"] != cookie
        assert anonymous.get("/admin").forms[0]["csrf_token"].value != before

    @pytest.mark.parametrize("path", ["/admin/tokens", "/admin/audit?account=ada"])
    def test_login_redirects_to_the_requested_page(self, anonymous, path):
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
    def test_login_redirects_to_no_other_site(self, anonymous, path):
        form = anonymous.get("/admin/login", {"next": path}).form
        form["name"], form["password"] = "ada", PASSWORD

        assert form.submit(status=303).location == "http://localhost/admin"

    def test_redirects_stay_below_the_path_prefix(self, people, start):
        app = start()
        app.extra_environ["SCRIPT_NAME"] = "/tracker"

        response = app.get("/admin/tokens", status=303)
        assert response.location == "http://localhost/tracker/admin/login?next=%2Fadmin%2Ftokens"
        form = app.get("/admin/login?next=/admin/tokens").form
        assert form.action == "/tracker/admin/login"

    def test_logout_ends_the_session_with_a_message(self, ada):
        response = ada.get("/admin").forms[0].submit(status=303)

        assert flash_message(response) == "You are logged out."
        ada.get("/admin", status=303)

    def test_copied_cookie_is_rejected_after_logout(self, ada):
        cookie = {"Cookie": f"crew={ada.cookies['crew']}"}
        ada.get("/admin").forms[0].submit(status=303)

        ada.reset()
        ada.get("/admin", headers=cookie, status=303)

    def test_forged_cookie_is_ignored(self, anonymous):
        for cookie in ("", "a", "AAAA" * 40, "\u00e4"):
            anonymous.get("/admin", headers={"Cookie": f"crew={cookie}"}, status=303)

    def test_idle_session_ends(self, ada, clock):
        for hours in (11, 22):
            clock.now = NOON + timedelta(hours=hours)
            ada.get("/admin", status=200)

        clock.now = NOON + timedelta(hours=34)
        ada.get("/admin", status=303)

    def test_session_ends_after_three_days(self, ada, clock):
        for hours in range(0, 72, 8):
            clock.now = NOON + timedelta(hours=hours)
            ada.get("/admin", status=200)

        clock.now = NOON + timedelta(hours=72)
        ada.get("/admin", status=303)

    def test_cookie_contains_no_secret(self, ada):
        cookie = ada.cookies["crew"]
        content = base64.urlsafe_b64decode(cookie + "==")
        assert b"ada" not in content
        assert b"argon2" not in content


class TestLockout:
    def test_lockout_grows_with_each_failure_across_workers(self, people, start, clock):
        workers = [start("one"), start("two")]
        for attempt in range(5):
            log_in(workers[attempt % 2], "ada", "wrong horse", status=400)

        waits = []
        for attempt in range(12):
            response = log_in(workers[attempt % 2], "ada", PASSWORD + "?", status=429)
            waits.append(int(response.headers["Retry-After"]))
            # A second before the end, the right password is rejected, too.
            clock.now += timedelta(seconds=waits[-1] - 1)
            log_in(workers[1], "ada", status=429)
            clock.now += timedelta(seconds=1)
            log_in(workers[0], "ada", "wrong horse", status=400)

        assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]

    def test_lockout_message_is_a_sentence(self, anonymous, clock):
        for _ in range(5):
            log_in(anonymous, "ada", "wrong horse", status=400)

        response = log_in(anonymous, "ada", status=429)

        assert error_message(response) == "Too many attempts; try again in 1 second."

    def test_right_password_after_the_lockout_resets_it(self, anonymous, clock, rows):
        for _ in range(5):
            log_in(anonymous, "ada", "wrong horse", status=400)
        clock.now += timedelta(seconds=1)

        log_in(anonymous, "ada", status=303)

        assert rows(LoginFailure) == []

    def test_failures_from_another_address_do_not_lock_out_the_owner(self, people, start):
        attacker, owner = start(), start()
        attacker.extra_environ["REMOTE_ADDR"] = "198.51.100.7"
        for _ in range(5):
            log_in(attacker, "ada", "wrong horse", status=400)

        log_in(attacker, "ada", status=429)
        log_in(owner, "ada", status=303)

    def test_failures_from_many_addresses_lock_the_name(self, people, start, database):
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

    def test_browser_that_has_logged_in_before_is_not_slowed_by_other_clients(
        self, people, start, clock
    ):
        owner, stranger = start(), start()
        log_in(owner, "ada", status=303)
        lock(stranger, "ada", attempts=52, addresses=13)

        for address in ("203.0.113.1", "198.51.100.99"):
            stranger.extra_environ["REMOTE_ADDR"] = address
            log_in(stranger, "ada", status=429)
        # The address does not matter: the owner may have another one by now.
        owner.extra_environ["REMOTE_ADDR"] = "198.51.100.1"
        owner.get("/admin").forms[0].submit(status=303)
        log_in(owner, "ada", status=303)
        change = {"old": PASSWORD, "new": "tr0ub4dor", "again": "tr0ub4dor"}
        submit(owner, "/admin/password", "change", **change)

    def test_failures_of_a_known_browser_are_counted_for_it_alone(self, people, start):
        owner, other = start(), start()
        log_in(owner, "ada", status=303)
        for _ in range(5):
            log_in(owner, "ada", "wrong horse", status=400)

        log_in(owner, "ada", status=429)
        log_in(other, "ada", status=303)

    def test_browser_is_known_for_the_accounts_that_have_logged_in(self, people, start):
        app, stranger = start(), start()
        for name in ("ada", "vera"):
            log_in(app, name, status=303)
            app.get("/admin").forms[0].submit()
        for name in ("ada", "vera", "alan"):
            lock(stranger, name, attempts=52, addresses=13)

        statuses = {n: log_in(app, n, status="*").status_int for n in ("ada", "vera", "alan")}

        assert statuses == {"ada": 303, "vera": 303, "alan": 429}

    @pytest.mark.parametrize(
        "change",
        [
            lambda cookie, clock: cookie[:-8] + "AAAAAAAA",
            lambda cookie, clock: "x",
            lambda cookie, clock: "\u00e4",
            lambda cookie, clock: base64.urlsafe_b64encode(b"0" * 32 + b'{"id": "x"}').decode(),
            lambda cookie, clock: setattr(clock, "now", NOON + timedelta(days=180)) or cookie,
        ],
        ids=["changed", "short", "not latin", "forged", "expired"],
    )
    def test_forged_or_expired_device_cookie_is_ignored(self, people, start, clock, change):
        owner, thief, stranger = start(), start(), start()
        log_in(owner, "ada", status=303)
        cookie = change(owner.cookies["device"], clock)
        lock(stranger, "ada", attempts=52, addresses=13)

        token = login_form(thief)["csrf_token"].value
        fields = {"csrf_token": token, "name": "ada", "password": PASSWORD}
        cookies = {"Cookie": f"crew={thief.cookies['crew']}; device={cookie}"}
        thief.post("/admin/login", fields, headers=cookies, status=429)

    def test_device_cookie_reveals_no_name_and_is_limited_to_admin_pages(self, people, start):
        app = start(**{"session.secure": "true"})
        app.extra_environ |= {"wsgi.url_scheme": "https", "HTTP_HOST": "live.example"}

        response = log_in(app, "ada", headers={"Origin": "https://live.example"})
        session, device = response.headers.getall("Set-Cookie")

        name, _, rest = device.partition("=")
        value, *attributes = rest.split("; ")
        assert (session.partition("=")[0], name) == ("crew", "device")
        assert {a for a in attributes if not a.startswith(("Max-Age", "expires"))} == {
            "Path=/admin",
            "secure",
            "HttpOnly",
            "SameSite=Strict",
        }
        content = base64.urlsafe_b64decode(value + "==")
        assert b"ada" not in content[content.index(b"{") :].replace(b'"', b" ").split()
        assert b"203.0.113" not in content

    def test_name_with_an_address_does_not_count_for_that_address(self, people, start):
        attacker, owner = start(), start()
        attacker.extra_environ["REMOTE_ADDR"] = "198.51.100.7"
        for name in ("ada|203.0.113.1", '["address", "ada", "203.0.113.1"]', "ada\x00203.0.113.1"):
            for _ in range(6):
                log_in(attacker, name, "wrong horse", status="*")

        log_in(owner, "ada", status=303)

    def test_log_ins_of_a_known_browser_have_a_rate_limit_of_their_own(self, people, start):
        app = start("own", **{"limit.logins": "3/hour"})
        log_in(app, "ada", status=303)
        stranger = TestApp(app.app, extra_environ=app.extra_environ)
        for _ in range(2):
            log_in(stranger, "eve", status=400)
        log_in(stranger, "eve", status=429)

        app.get("/admin").forms[0].submit()
        log_in(app, "ada", status=303)

    def test_admin_ends_the_lockout_of_an_account(self, ada, start):
        stranger = start()
        lock(stranger, "vera", attempts=52, addresses=13)
        lock(stranger, "alan", attempts=52, addresses=13)

        response = submit(ada, "/admin/accounts", "unlock", 2)

        assert flash_message(response) == "vera can log in again at once."
        log_in(start(), "alan", status=429)
        log_in(start(), "vera", status=303)

    def test_password_reset_ends_the_lockout(self, ada, start):
        lock(start(), "vera", attempts=52, addresses=13)
        new = {"password": "tr0ub4dor", "again": "tr0ub4dor"}

        submit(ada, "/admin/accounts", "reset", 2, **new)

        log_in(start(), "vera", "tr0ub4dor", status=303)

    def test_ipv6_addresses_of_one_network_share_a_lockout(self, people, start):
        app = start()
        for number in range(5):
            app.extra_environ["REMOTE_ADDR"] = f"2001:db8:0:1::{number}"
            log_in(app, "ada", "wrong horse", status=400)

        app.extra_environ["REMOTE_ADDR"] = "2001:db8:0:1:ffff::1"
        log_in(app, "ada", status=429)
        app.extra_environ["REMOTE_ADDR"] = "2001:db8:0:2::1"
        log_in(app, "ada", status=303)

    def test_addresses_and_names_are_stored_as_keyed_hashes(self, anonymous, rows):
        log_in(anonymous, "eve", "wrong horse", status=400)

        keys = [row["key"] for row in rows(LoginFailure)]
        assert len(keys) == 2
        plain = (b"eve", b"eve|203.0.113.1", b"203.0.113.1")
        assert not set(keys) & {hashlib.sha256(text).hexdigest() for text in plain}
        assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)

    def test_failures_are_deleted_after_a_day(self, anonymous, clock, rows):
        for _ in range(5):
            log_in(anonymous, "eve", "wrong horse", status=400)
        clock.now += timedelta(days=1)

        log_in(anonymous, "ada", status=303)

        assert rows(LoginFailure) == []


class TestTokens:
    def test_token_is_shown_once_and_can_be_revoked(self, ada, rows, database):
        response = submit(
            ada, "/admin/tokens", "issue", label="hall 1", scope="room", room="hall", status=200
        )

        [text] = set(re.findall(r"sst_[A-Za-z0-9_-]{43}", response.text))
        [row] = rows(Token)
        assert row["hash"] == hashlib.sha256(text.encode()).hexdigest()
        assert (row["label"], row["room"], row["created_by"]) == ("hall 1", "hall", "ada")
        assert "It is good for all endpoints of hall." in response.text
        assert text[10:] not in str(response.headers)
        reloaded = ada.get("/admin/tokens").text
        assert text not in reloaded
        assert text[:10] in reloaded

        assert flash_message(submit(ada, "/admin/tokens", "revoke")) == (
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
    def test_invalid_token_is_reported_and_the_form_keeps_its_values(self, ada, rows, fields, line):
        fields = {"label": "x", "scope": "room", "room": "hall", "endpoint": ""} | fields

        response = submit(ada, "/admin/tokens", "issue", status=400, **fields)

        assert error_message(response) == line
        assert response.html.select_one("#label")["value"] == fields["label"]
        assert response.html.select_one("#scope [selected]")["value"] == fields["scope"]
        assert rows(Token) == []

    @pytest.mark.parametrize("number", ["0", "-1", "99", "2147483648", "1e9", "1;--", "", "\u0661"])
    def test_invalid_id_is_reported_in_one_line(self, ada, number):
        form = ada.get("/admin").forms[0]
        fields = {"do": "revoke", "id": number, "csrf_token": form["csrf_token"].value}

        response = ada.post("/admin/tokens", fields, status=400)

        assert error_message(response) in (
            "There is no such token, or it has been revoked already.",
            "The field id is no number.",
        )


class TestEndpoints:
    def test_endpoint_is_drained_and_undrained(self, ada, endpoint, rows):
        drained = submit(ada, "/admin/endpoints", "drain")
        assert flash_message(drained) == (
            "203.0.113.1 of hall is drained, but no other server can take new viewers of hall: it "
            "gets them until one can."
        )
        assert [row["drained"] for row in rows(Endpoint)] == [True]
        page = ada.get("/admin/endpoints").text
        assert "yes: drained by the crew, but no other server can take them" in page

        assert flash_message(submit(ada, "/admin/endpoints", "undrain")) == (
            "203.0.113.1 of hall gets viewers again."
        )
        assert [row["drained"] for row in rows(Endpoint)] == [False]

    def test_drained_endpoint_beside_another_gets_no_viewers(self, ada, endpoint):
        form = {"secret": SECRET, "group": "hall", "data": "{}"}
        ada.post("/endpoint/register", form, extra_environ={"REMOTE_ADDR": "203.0.113.2"})

        drained = submit(ada, "/admin/endpoints", "drain")

        assert flash_message(drained) == "203.0.113.1 of hall gets no new viewers."
        assert "none: drained by the crew" in ada.get("/admin/endpoints").text

    def test_unknown_endpoint_is_reported_in_one_line(self, ada):
        token = ada.get("/admin").forms[0]["csrf_token"].value
        fields = {"do": "drain", "room": "hall", "name": "gone", "csrf_token": token}

        response = ada.post("/admin/endpoints", fields, status=400)

        assert error_message(response) == "There is no endpoint gone in the room hall."


class TestAnnotations:
    def test_annotation_defaults_to_now_and_all_rooms(self, ada, rows):
        response = submit(ada, "/admin/annotations", "add", label="Keynote")

        assert flash_message(response) == "Added the annotation Keynote."
        [row] = rows(Annotation)
        del row["id"]
        assert row == {"at": NOON, "label": "Keynote", "room": "", "created_by": "ada"}

    @pytest.mark.parametrize(
        "text", ["2026-11-23 09:30", "2026-11-23T09:30", "2026-11-23T10:30:00+01:00"]
    )
    def test_time_without_offset_is_utc(self, ada, rows, text):
        submit(ada, "/admin/annotations", "add", label="x", at=text, room="lab")

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
    def test_invalid_annotation_is_reported_and_the_form_keeps_its_values(
        self, ada, rows, fields, line
    ):
        response = submit(ada, "/admin/annotations", "add", status=400, **{"label": "x"} | fields)

        assert error_message(response).startswith(line)
        assert response.html.select_one("#at")["value"] == fields.get("at", "")
        assert rows(Annotation) == []

    def test_annotation_can_be_deleted(self, ada, rows):
        submit(ada, "/admin/annotations", "add", label="Keynote")

        response = submit(ada, "/admin/annotations", "remove")

        assert flash_message(response) == "Deleted the annotation Keynote."
        assert rows(Annotation) == []


class TestAccounts:
    def test_new_account_can_log_in(self, ada, start):
        response = submit(
            ada,
            "/admin/accounts",
            "create",
            name="eve",
            role="viewer",
            password="tr0ub4dor",
            again="tr0ub4dor",
        )

        assert flash_message(response) == "Created the viewer account eve."
        log_in(start(), "eve", "tr0ub4dor", status=303)

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"name": "ada"}, "There is an account called ada already."),
            ({"name": "a b"}, "The name &#39;a b&#39; is not allowed"),
            ({"name": "cli:root"}, "The name &#39;cli:root&#39; is not allowed"),
            ({"role": "owner"}, "The role is &#39;owner&#39;; allowed: admin, viewer."),
            ({"password": "short", "again": "short"}, "A password has at least 8 characters"),
            ({"password": "12345678", "again": "12345678"}, "The password is easy to guess;"),
            ({"password": "evetestconf", "again": "evetestconf"}, "The password is easy to guess;"),
            ({"again": "other horse"}, "The two passwords are not the same."),
        ],
    )
    def test_invalid_account_is_reported_in_one_line(self, ada, rows, fields, line):
        before = rows(Account)
        fields = {"name": "eve", "role": "admin", "password": PASSWORD, "again": PASSWORD} | fields

        response = submit(ada, "/admin/accounts", "create", status=400, **fields)

        assert error_message(response).startswith(line)
        assert response.html.select_one("#name")["value"] == fields["name"]
        assert PASSWORD not in response.text
        assert rows(Account) == before

    def test_role_change_applies_at_once(self, ada, browser):
        alan = browser("alan")

        assert flash_message(submit(ada, "/admin/accounts", "role", 1)) == "alan is a viewer now."

        assert "Drain" not in alan.get("/admin/endpoints").text
        assert alan.get("/admin/accounts").html.select("main button") == []

    def test_password_reset_ends_the_sessions_of_the_account(self, ada, browser, start):
        vera = browser("vera")

        response = submit(
            ada, "/admin/accounts", "reset", 2, password="tr0ub4dor", again="tr0ub4dor"
        )

        assert flash_message(response) == "vera has another password, and is logged out everywhere."
        vera.get("/admin", status=303)
        log_in(start(), "vera", PASSWORD, status=400)
        log_in(start(), "vera", "tr0ub4dor", status=303)

    def test_own_password_needs_the_old_one(self, ada, browser, start, rows):
        other, before = browser("ada"), rows(Account)
        new = {"password": "tr0ub4dor", "again": "tr0ub4dor"}
        for old in ("wrong horse", ""):
            response = submit(ada, "/admin/accounts", "reset", 0, status=400, old=old, **new)
            assert error_message(response) == "The old password is wrong."
            assert rows(Account) == before

        response = submit(ada, "/admin/accounts", "reset", 0, old=PASSWORD, **new)

        assert flash_message(response) == "Your password is changed; all other sessions have ended."
        ada.get("/admin", status=200)
        other.get("/admin", status=303)
        log_in(start(), "ada", "tr0ub4dor", status=303)

    def test_guesses_of_the_own_password_on_the_accounts_page_lock_the_account(self, ada):
        new = {"password": "tr0ub4dor", "again": "tr0ub4dor"}
        for _ in range(5):
            submit(ada, "/admin/accounts", "reset", 0, status=400, old="wrong horse", **new)

        submit(ada, "/admin/accounts", "reset", 0, status=429, old=PASSWORD, **new)

    def test_deleted_account_is_logged_out(self, ada, browser, rows):
        vera = browser("vera")

        assert (
            flash_message(submit(ada, "/admin/accounts", "delete", 2))
            == "Deleted the account vera."
        )

        vera.get("/admin", status=303)
        assert {row["name"] for row in rows(Account)} == {"ada", "alan"}

    @pytest.mark.parametrize("name", ["role", "delete"])
    def test_last_admin_cannot_be_removed(self, ada, rows, name):
        submit(ada, "/admin/accounts", "delete", 1)

        response = submit(ada, "/admin/accounts", name, 0, status=400)

        assert error_message(response) == "Ada is the last admin; make another one first."
        assert {(row["name"], row["role"]) for row in rows(Account)} == {
            ("ada", "admin"),
            ("vera", "viewer"),
        }


class TestPassword:
    def test_password_change_ends_all_other_sessions(self, vera, browser, start):
        other = browser("vera")

        response = submit(
            vera, "/admin/password", "change", old=PASSWORD, new="tr0ub4dor", again="tr0ub4dor"
        )

        assert flash_message(response) == "Your password is changed; all other sessions have ended."
        vera.get("/admin", status=200)
        other.get("/admin", status=303)
        log_in(start(), "vera", "tr0ub4dor", status=303)

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"old": "wrong horse"}, "The old password is wrong."),
            ({"again": "other"}, "The two new passwords are not the same."),
            ({"new": "short", "again": "short"}, "A password has at least 8 characters"),
            ({"new": "password", "again": "password"}, "The password is easy to guess;"),
        ],
    )
    def test_invalid_password_change_changes_nothing(self, vera, rows, fields, line):
        before = rows(Account)
        fields = {"old": PASSWORD, "new": "tr0ub4dor", "again": "tr0ub4dor"} | fields

        response = submit(vera, "/admin/password", "change", status=400, **fields)

        assert error_message(response).startswith(line)
        assert rows(Account) == before

    def test_wrong_old_passwords_lock_the_account_and_are_audited(self, vera, clock, rows):
        fields = {"new": "tr0ub4dor", "again": "tr0ub4dor"}
        for _ in range(5):
            submit(vera, "/admin/password", "change", old="wrong horse", status=400, **fields)

        response = submit(vera, "/admin/password", "change", old=PASSWORD, status=429, **fields)

        assert error_message(response) == "Too many attempts; try again in 1 second."
        assert response.headers["Retry-After"] == "1"
        accounts = [row["account"] for row in rows(AuditEntry) if row["action"] == "login.failed"]
        assert accounts == ["vera"] * 5
        clock.now += timedelta(seconds=1)
        submit(vera, "/admin/password", "change", old=PASSWORD, status=303, **fields)

    def test_password_changes_count_towards_the_login_limit(self, people, start):
        app = start("limited", **{"limit.logins": "2/hour"})
        log_in(app, "vera", status=303)
        fields = {"old": "wrong horse", "new": "tr0ub4dor", "again": "tr0ub4dor"}

        for status in (400, 400, 429):
            submit(app, "/admin/password", "change", status=status, **fields)

    def test_reports_do_not_wait_for_password_verification(self, vera, monkeypatch, rows):
        verify = passwords.verify

        def verify_slowly(*args):
            registration = {"secret": SECRET, "group": "hall", "data": "{}"}
            assert vera.post("/endpoint/register", registration).text == "OK\n"
            return verify(*args)

        monkeypatch.setattr(passwords, "verify", verify_slowly)

        submit(vera, "/admin/password", "change", old=PASSWORD, new="tr0ub4dor", again="tr0ub4dor")

        assert len(rows(Endpoint)) == 1

    def test_account_can_log_out_everywhere(self, ada, browser):
        other = browser("ada")

        response = submit(ada, "/admin/password", "everywhere")

        assert flash_message(response) == "You are logged out everywhere."
        for app in (ada, other):
            app.get("/admin", status=303)

    def test_outdated_hash_is_replaced_at_the_next_login(self, people, start, rows, database):
        engine = make_engine({"sqlalchemy.url": database})
        with Session(engine) as db:
            weak = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
            Accounts(db).find("ada").password_hash = weak
            db.commit()
        engine.dispose()

        log_in(start(), "ada", status=303)

        [password_hash] = [row["password_hash"] for row in rows(Account) if row["name"] == "ada"]
        assert not passwords.HASHER.check_needs_rehash(password_hash)
        log_in(start(), "ada", status=303)


def code_of(secret, clock, steps=0):
    return pyotp.TOTP(secret).at(clock.now + timedelta(seconds=30 * steps))


def enable_second_factor(app, clock):
    """Turn the second factor on; return the key and the recovery codes."""
    form = find_form(app, "/admin/secondfactor", "enable")
    secret = form["secret"].value
    form["code"], form["password"] = code_of(secret, clock), PASSWORD
    response = form.submit("do", value="enable", status=200)
    return secret, [code.get_text() for code in response.html.select("code.secret")]


class TestSecondFactor:
    def test_log_in_needs_a_code_once_it_is_on(self, vera, start, clock):
        secret, _ = enable_second_factor(vera, clock)
        clock.now += timedelta(minutes=1)

        for code in ("", "123456", "0" * 64, "\u0661" * 6, code_of(secret, clock, steps=-2)):
            response = log_in(start(), "vera", code=code, status=400)
            assert error_message(response) == "Name, password or code is wrong."
        clock.now += timedelta(minutes=1)
        log_in(start(), "vera", "wrong horse", code=code_of(secret, clock), status=400)
        clock.now += timedelta(minutes=1)
        log_in(start(), "vera", code=code_of(secret, clock), status=303)
        log_in(start(), "ada", status=303)

    @pytest.mark.parametrize(
        ("steps", "status"), [(-2, 400), (-1, 303), (0, 303), (1, 303), (2, 400)]
    )
    def test_clocks_may_differ_by_half_a_minute(self, vera, start, clock, steps, status):
        secret, _ = enable_second_factor(vera, clock)
        clock.now += timedelta(minutes=5)

        log_in(start(), "vera", code=code_of(secret, clock, steps), status=status)

    def test_code_is_valid_once_in_all_workers(self, vera, start, clock):
        secret, _ = enable_second_factor(vera, clock)
        used = code_of(secret, clock)
        log_in(start("one"), "vera", code=used, status=400)
        clock.now += timedelta(seconds=30)
        code = code_of(secret, clock)

        log_in(start("one"), "vera", code=f" {code[:3]} {code[3:]} ", status=303)

        for worker, replayed in (("one", code), ("two", code), ("two", used)):
            log_in(start(worker), "vera", code=replayed, status=400)

    def test_recovery_code_replaces_a_code_once(self, vera, start, clock, rows):
        _, codes = enable_second_factor(vera, clock)
        assert len(set(codes)) == 10
        assert all(re.fullmatch("([a-z2-7]{4}-){3}[a-z2-7]{4}", code) for code in codes)
        assert not [row for row in rows(RecoveryCode) if row["hash"] in codes]

        log_in(start(), "vera", code=codes[0].upper().replace("-", " "), status=303)

        log_in(start(), "vera", code=codes[0], status=400)
        log_in(start(), "vera", code=codes[1], status=303)
        assert len(rows(RecoveryCode)) == 8

    def test_guessed_codes_lock_the_account_although_the_password_is_right(
        self, vera, start, clock, rows
    ):
        secret, _ = enable_second_factor(vera, clock)
        clock.now += timedelta(minutes=1)
        stranger = start()
        for number in range(5):
            log_in(stranger, "vera", code=f"{number:06}", status=400)

        log_in(stranger, "vera", code=code_of(secret, clock), status=429)

        subjects = [r["subject"] for r in rows(AuditEntry) if r["action"] == "login.failed"]
        assert subjects == ["the right password without a valid code"] * 5

    def test_page_has_a_qr_code_and_nothing_of_other_hosts(self, vera):
        response = vera.get("/admin/secondfactor")

        image = response.html.select_one("main img")
        secret = response.html.select_one("code.secret").get_text()
        uri = f"otpauth://totp/Test%20Conf:vera?secret={secret}&issuer=Test%20Conf"
        assert image["src"] == segno.make(uri, micro=False).svg_data_uri(
            scale=4, border=4, dark="#000", light="#fff"
        )
        assert re.fullmatch("[A-Z2-7]{32}", secret)
        assert vera.get("/admin/secondfactor").html.select_one("code.secret").get_text() != secret

    @pytest.mark.parametrize(
        ("fields", "line"),
        [
            ({"password": "wrong horse"}, "The old password is wrong."),
            ({"code": "000000"}, "The code is wrong; check the clock of the app&#39;s device."),
            ({"secret": "AAAA"}, "The code is wrong; check the clock of the app&#39;s device."),
            ({"secret": "a" * 65}, "The field secret is too long."),
        ],
    )
    def test_invalid_second_factor_is_not_turned_on(self, vera, clock, rows, fields, line):
        before, form = rows(Account), find_form(vera, "/admin/secondfactor", "enable")
        secret = form["secret"].value
        valid = {"secret": secret, "code": code_of(secret, clock), "password": PASSWORD}
        for field, value in (valid | fields).items():
            form[field].force_value(value)

        response = form.submit("do", value="enable", status=400)

        assert error_message(response) == line
        shown = response.html.select_one("code.secret").get_text()
        assert (shown == secret) == ("secret" not in fields)
        assert PASSWORD not in response.text
        assert (rows(Account), rows(RecoveryCode)) == (before, [])

    def test_turning_it_on_and_off_ends_other_sessions(self, vera, browser, start, clock, rows):
        other = browser("vera")
        secret, codes = enable_second_factor(vera, clock)
        other.get("/admin", status=303)
        vera.get("/admin", status=200)
        second = start()
        log_in(second, "vera", code=codes[0], status=303)
        clock.now += timedelta(minutes=1)
        fields = {"code": code_of(secret, clock), "password": PASSWORD}

        response = submit(vera, "/admin/secondfactor", "disable", **fields)

        assert flash_message(response) == "The second factor is off; all other sessions have ended."
        second.get("/admin", status=303)
        log_in(second, "vera", status=303)
        assert rows(RecoveryCode) == []

    @pytest.mark.parametrize("button", ["disable", "codes"])
    def test_changes_need_password_and_code(self, vera, clock, rows, button):
        secret, _ = enable_second_factor(vera, clock)
        before = rows(Account), rows(RecoveryCode)
        clock.now += timedelta(minutes=1)
        for fields in (
            {"code": "000000", "password": PASSWORD},
            {"code": "", "password": PASSWORD},
            {"code": code_of(secret, clock), "password": "wrong horse"},
        ):
            response = submit(vera, "/admin/secondfactor", button, status=400, **fields)
            assert error_message(response) == "The password or the code is wrong."
        assert (rows(Account), rows(RecoveryCode)) == before

    def test_new_recovery_codes_replace_the_old_ones(self, vera, start, clock):
        _, old = enable_second_factor(vera, clock)
        fields = {"code": old[0], "password": PASSWORD}

        response = submit(vera, "/admin/secondfactor", "codes", status=200, **fields)

        new = [code.get_text() for code in response.html.select("code.secret")]
        assert len(set(new) - set(old)) == 10
        log_in(start(), "vera", code=old[1], status=400)
        log_in(start(), "vera", code=new[1], status=303)

    def test_admin_resets_the_second_factor_of_another_account_only(
        self, ada, browser, start, clock, rows
    ):
        vera = browser("vera")
        enable_second_factor(vera, clock)
        enable_second_factor(ada, clock)

        response = submit(ada, "/admin/accounts", "reset-factor")

        assert flash_message(response) == (
            "vera logs in without a second factor, and is logged out everywhere."
        )
        vera.get("/admin", status=303)
        log_in(start(), "vera", status=303)
        token = ada.get("/admin").forms[0]["csrf_token"].value
        fields = {"do": "reset-factor", "name": "ada", "csrf_token": token}
        response = ada.post("/admin/accounts", fields, status=400)
        assert error_message(response) == "Turn off your own second factor on its page."
        assert [row["name"] for row in rows(Account) if row["totp_secret"]] == ["ada"]

    def test_deleted_account_leaves_no_recovery_codes(self, ada, browser, clock, rows):
        enable_second_factor(browser("vera"), clock)

        submit(ada, "/admin/accounts", "delete", 2)

        assert rows(RecoveryCode) == []

    def test_required_second_factor_comes_before_all_other_pages(self, people, start, clock):
        app = start("required", **{"second_factor.required": "true"})
        log_in(app, "ada", status=303)

        for path in PAGES:
            if path not in ("/password", "/secondfactor"):
                response = app.get(f"/admin{path}", status=303)
                assert response.location == "http://localhost/admin/secondfactor"
        token = app.get("/admin/password").forms[0]["csrf_token"].value
        fields = {"do": "issue", "label": "x", "scope": "crew", "csrf_token": token}
        assert app.post("/admin/tokens", fields, status=303).location.endswith("/secondfactor")

        enable_second_factor(app, clock)

        for path in PAGES:
            app.get(f"/admin{path}", status=200)


class TestAudit:
    def test_actions_are_recorded_with_their_account(self, ada, endpoint, rows):
        log_in(ada, "eve", "secret typed as a name", status=400)
        log_in(ada, "vera", "wrong horse", status=400)
        submit(ada, "/admin/endpoints", "drain")
        submit(ada, "/admin/annotations", "add", label="Keynote")
        submit(ada, "/admin/accounts", "role", 1)
        ada.get("/admin").forms[0].submit()

        entries = [(row["account"], row["action"]) for row in rows(AuditEntry)]
        assert entries == [
            ("ada", "login"),
            ("", "login.failed"),
            ("vera", "login.failed"),
            ("ada", "endpoint.drain"),
            ("ada", "annotation.add"),
            ("ada", "account.role"),
            ("ada", "logout"),
        ]
        assert "eve" not in str(rows(AuditEntry))

    def test_failed_logins_are_apart_from_deeds(self, ada, start):
        stranger = start()
        for name in ("vera", "eve"):
            log_in(stranger, name, "wrong horse", status=400)
        submit(ada, "/admin/annotations", "add", label="Keynote")

        def actions(path, **query):
            response = ada.get(path, query)
            return [row.select("td")[1].get_text() for row in response.html.select("tbody tr")]

        assert actions("/admin/audit") == ["added the annotation", "logged in"]
        assert actions("/admin/audit", show="failures") == ["failed to log in"] * 2
        assert actions("/admin/audit", show="failures", account="vera") == ["failed to log in"]
        overview = ada.get("/admin").html.select_one(".latest").get_text()
        assert "ada added the annotation" in overview
        assert "failed to log in" not in overview

    def test_entries_can_be_filtered_by_account(self, ada, browser):
        browser("vera")

        response = ada.get("/admin/audit", {"account": "vera"})
        names = {cell.get_text() for cell in response.html.select("tbody th")}
        assert names == {"vera"}
        for other in ("unknown", "' OR 1=1 --", "\x00", EVIL):
            assert len(ada.get("/admin/audit", {"account": other}).html.select("tbody tr")) == 2

    def test_page_shows_200_entries_at_most(self, ada, database):
        engine = make_engine({"sqlalchemy.url": database})
        with Session(engine) as db:
            for number in range(201):
                AuditLog(db).record(account="x", action="x", subject=f"{number}", now=NOON)
            db.commit()
        engine.dispose()

        assert len(ada.get("/admin/audit").html.select("tbody tr")) == 200


class TestPlugins:
    def test_page_lists_the_plugins_of_the_last_import(self, browser, start, people, tmp_path):
        settings = {"schedule.file": str(tmp_path / "schedule.json")}
        app = start(**settings)
        log_in(app, "vera")
        assert "No import has run on this machine" in app.get("/admin/plugins").text

        plugins = [
            PluginInfo(
                name="zookeepr",
                origin="built in (zookeepr.py)",
                hooks=("register_parsers",),
                formats=("zookeepr",),
                is_built_in=True,
            ),
            PluginInfo(name="ours", origin="plugins/ours.py", error="SyntaxError: <b> & more"),
        ]
        save_inventory(tmp_path / "plugins.json", plugins, now=NOON)
        page = app.get("/admin/plugins").html

        rows = [
            [cell.get_text(strip=True) for cell in row.select("th, td")]
            for row in page.select("tbody tr")
        ]
        # The event's own come first.
        assert rows == [
            ["ours", "plugins/ours.py", "Not loaded:SyntaxError: <b> & more"],
            ["zookeepr", "built in (zookeepr.py)", "register_parsers", "zookeepr"],
        ]


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
    def test_text_of_any_field_is_escaped(self, ada, endpoint, rows, text):
        """Each field accepts it as text or rejects it in one line; no response is a 5xx."""
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
            "secondfactor": ({"do": "enable", "secret": "x", "code": "1", "password": "x"},),
        }
        for path, (base, *more) in forms.items():
            for field in (set(base) - {"do"}) | set(more):
                fields = base | {field: text, "csrf_token": token}
                response = ada.post(f"/admin/{path}", fields, status="*")
                assert response.status_int in (200, 303, 400, 403, 429), (path, field)
                assert "evil" not in str(response.headers).lower(), (path, field)
                if response.status_int != 303:
                    assert not response.html.select(MARKUP_OF_A_FIELD), (path, field)
                if path == "login":
                    token = login_form(ada)["csrf_token"].value

        for path in PAGES:
            response = ada.get(f"/admin{path}", status="*")
            assert response.status_int < 400
            assert not response.html.select(MARKUP_OF_A_FIELD)
        assert {"ada", "alan", "vera"} <= {row["name"] for row in rows(Account)}
