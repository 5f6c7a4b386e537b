"""Forms and cookies of the crew, behind the real nginx: what another site or a thief could do."""

import re

import pytest
import sqlalchemy as sa
from functional.proxy.site import NAME

from streaming_system import tracker as tracker_app
from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Account, Annotation, Token
from streaming_system.tracker.routes import API_PREFIX, API_ROUTES

from .conftest import PASSWORD

ADMIN = "/tracker/admin"


def cookie_of(answer):
    return answer.headers["Set-Cookie"].split(";")[0]


def token_of(page):
    return re.search(r'name="csrf_token" value="(\w+)"', page.data.decode())[1]


@pytest.fixture(scope="module")
def strangers_page(target):
    """The log-in page as an attacker has it: with a cookie and a token of its own."""
    return target.get(f"{ADMIN}/login")


@pytest.fixture(scope="module")
def cookie(target, strangers_page):
    """The cookie of ada, who logged in with one that an attacker had given to her browser."""
    answer = target.request(
        "POST", f"{ADMIN}/login", encode_multipart=False,
        fields={"csrf_token": token_of(strangers_page), "name": "ada", "password": PASSWORD},
        headers={"Cookie": cookie_of(strangers_page)},
    )  # fmt: skip
    assert answer.status == 303
    return cookie_of(answer)


@pytest.fixture
def kept(target):
    """Return a function that tells what the crew's tables hold."""
    engine = make_engine({"sqlalchemy.url": f"sqlite:///{target.folder}/var/tracker.sqlite"})

    def kept():
        with engine.connect() as db:
            return [
                db.execute(sa.select(model.__table__)).all()
                for model in (Account, Annotation, Token)
            ]

    yield kept
    engine.dispose()


@pytest.fixture(scope="module")
def forms(target):
    """What Pyramid itself says that can be posted to the crew's pages: route and button."""
    app = tracker_app.main(
        {},
        **{"config.public": str(target.folder / "config.json"),
           "config.private": str(target.folder / "config.private.json"),
           "sqlalchemy.url": f"sqlite:///{target.folder}/var/tracker.sqlite"},
    )  # fmt: skip
    found = {}
    for view in app.registry.introspector.get_category("views"):
        about = view["introspectable"]
        methods = about["request_methods"] or ()
        if str(about["route_name"]).startswith("admin") and "POST" in methods:
            asked = about["request_param"] or "do="
            texts = [asked] if isinstance(asked, str) else asked
            deeds = [text.partition("=")[2] for text in texts]
            found.setdefault(about["route_name"], set()).update(deeds)
    app.registry["db.sessions"].kw["bind"].dispose()
    return {route: sorted(deeds) for route, deeds in found.items()}


FIELDS = {"id": "1", "account": "ada", "name": "eve", "password": "eve's password",
          "role": "admin", "label": "x", "scope": "crew", "text": "x", "old": PASSWORD,
          "new": "another one", "again": "another one", "room": "", "endpoint": "1"}  # fmt: skip


def test_no_form_is_taken_from_another_site(target, cookie, strangers_page, forms, kept):
    before = kept()
    assert {"admin.tokens", "admin.accounts", "admin.logout"} <= set(forms)
    for route, deeds in forms.items():
        path = f"{ADMIN}/{route.partition('.')[2]}"
        for deed in deeds:
            for token in ({}, {"csrf_token": token_of(strangers_page)}, {"csrf_token": ""}):
                for headers in ({}, {"Origin": "https://evil.example"}):
                    answer = target.request(
                        "POST", path, encode_multipart=False,
                        fields={**FIELDS, "do": deed, **token},
                        headers={"Cookie": cookie, **headers},
                    )  # fmt: skip
                    assert (answer.status, path, deed) == (400, path, deed), answer.data
                    assert b"is not from this site" in answer.data

    assert kept() == before
    assert target.get(ADMIN, headers={"Cookie": cookie}).status == 200


def test_nothing_is_done_by_following_a_link(target, cookie, forms, kept):
    before = kept()
    for route, deeds in forms.items():
        path = f"{ADMIN}/{route.partition('.')[2]}"
        for deed in deeds:
            query = "&".join(f"{name}={value}" for name, value in {**FIELDS, "do": deed}.items())
            for headers in (
                {},
                {"X-HTTP-Method-Override": "POST"},
                {"X-Method-Override": "POST"},
            ):
                target.get(
                    f"{path}?{query.replace(' ', '+')}&_method=POST",
                    headers={"Cookie": cookie, **headers},
                )

    assert kept() == before
    assert target.get(ADMIN, headers={"Cookie": cookie}).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "application/json"])  # fmt: skip
def test_the_cookie_opens_no_call_of_the_api(target, cookie, kept, kind):
    """Other sites' pages make browsers send cookies; a token they do not have."""
    before, paths, seen = kept(), dict(API_ROUTES), 0
    for operation in OPERATIONS:
        if operation.scopes:
            path = re.sub(r"{\w+}", "hall", f"/tracker{API_PREFIX}{paths[operation.route]}")
            answer = target.request(
                operation.method, path, body=b"{}",
                headers={"Cookie": cookie, "Content-Type": kind, "Origin": f"http://{NAME}"},
            )  # fmt: skip
            assert answer.status == 401, (operation.id, answer.status)
            seen += 1

    assert seen > 5
    assert kept() == before


def test_a_session_that_was_planted_is_not_logged_in_with(target, cookie, strangers_page):
    planted = cookie_of(strangers_page)

    assert cookie != planted
    assert target.get(ADMIN, headers={"Cookie": planted}).status == 303
    assert target.get(ADMIN, headers={"Cookie": cookie}).status == 200
    # Nor does a second one of the same name, which another host of the domain could set.
    for both in (f"{planted}; {cookie}", f"{cookie}; {planted}"):
        page = target.get(ADMIN, headers={"Cookie": both})
        assert page.status in (200, 303)
        assert (page.status == 200) == (b"ada" in page.data)


def test_no_cache_and_no_frame_has_a_page_of_the_crew(target, cookie):
    for path in ("", "/tokens", "/accounts", "/tokens?x.css", "/login"):
        for headers in ({"Cookie": cookie}, {}):
            answer = target.get(ADMIN + path, headers=headers)

            assert answer.headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert "X-Cache" not in answer.headers
    for path in ("/tokens/x.css", "/tokens.css", "/tokens%2fx.css", "/tokens;x.css", "//tokens"):
        assert target.get(ADMIN + path, headers={"Cookie": cookie}).status in (303, 404), path
