"""Crew forms and cookies behind a real nginx: CSRF, session fixation and caching."""

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


def session_cookie(response):
    return response.headers["Set-Cookie"].split(";")[0]


def csrf_token(page):
    return re.search(r'name="csrf_token" value="(\w+)"', page.data.decode())[1]


@pytest.fixture(scope="module")
def attacker_page(target):
    """The log-in page in an attacker's session."""
    return target.get(f"{ADMIN}/login")


@pytest.fixture(scope="module")
def cookie(target, attacker_page):
    """Ada's session cookie, after a log-in with a planted one."""
    response = target.request(
        "POST", f"{ADMIN}/login", encode_multipart=False,
        fields={"csrf_token": csrf_token(attacker_page), "name": "ada", "password": PASSWORD},
        headers={"Cookie": session_cookie(attacker_page)},
    )  # fmt: skip
    assert response.status == 303
    return session_cookie(response)


@pytest.fixture
def stored_rows(target):
    """Return a function that returns the rows of the crew's tables."""
    engine = make_engine({"sqlalchemy.url": f"sqlite:///{target.folder}/var/tracker.sqlite"})

    def stored_rows():
        with engine.connect() as db:
            return [
                db.execute(sa.select(model.__table__)).all()
                for model in (Account, Annotation, Token)
            ]

    yield stored_rows
    engine.dispose()


@pytest.fixture(scope="module")
def forms(target):
    """The actions of all crew forms by route, from Pyramid's introspection."""
    app = tracker_app.main(
        {},
        **{"config.public": str(target.folder / "config.json"),
           "config.private": str(target.folder / "config.private.json"),
           "sqlalchemy.url": f"sqlite:///{target.folder}/var/tracker.sqlite"},
    )  # fmt: skip
    actions_by_route = {}
    for view in app.registry.introspector.get_category("views"):
        details = view["introspectable"]
        methods = details["request_methods"] or ()
        if str(details["route_name"]).startswith("admin") and "POST" in methods:
            parameters = details["request_param"] or "do="
            if isinstance(parameters, str):
                parameters = [parameters]
            actions = {parameter.partition("=")[2] for parameter in parameters}
            actions_by_route.setdefault(details["route_name"], set()).update(actions)
    app.registry["db.sessions"].kw["bind"].dispose()
    return {route: sorted(actions) for route, actions in actions_by_route.items()}


FIELDS = {"id": "1", "account": "ada", "name": "eve", "password": "eve's password",
          "role": "admin", "label": "x", "scope": "crew", "text": "x", "old": PASSWORD,
          "new": "another one", "again": "another one", "room": "", "endpoint": "1"}  # fmt: skip


def test_forms_of_other_sites_are_refused(target, cookie, attacker_page, forms, stored_rows):
    before = stored_rows()
    assert {"admin.tokens", "admin.accounts", "admin.logout"} <= set(forms)
    for route, actions in forms.items():
        path = f"{ADMIN}/{route.partition('.')[2]}"
        for action in actions:
            for token in ({}, {"csrf_token": csrf_token(attacker_page)}, {"csrf_token": ""}):
                for headers in ({}, {"Origin": "https://evil.example"}):
                    response = target.request(
                        "POST", path, encode_multipart=False,
                        fields={**FIELDS, "do": action, **token},
                        headers={"Cookie": cookie, **headers},
                    )  # fmt: skip
                    assert (response.status, path, action) == (400, path, action), response.data
                    assert b"is not from this site" in response.data

    assert stored_rows() == before
    assert target.get(ADMIN, headers={"Cookie": cookie}).status == 200


def test_links_change_nothing(target, cookie, forms, stored_rows):
    before = stored_rows()
    for route, actions in forms.items():
        path = f"{ADMIN}/{route.partition('.')[2]}"
        for action in actions:
            query = "&".join(f"{name}={value}" for name, value in {**FIELDS, "do": action}.items())
            for headers in (
                {},
                {"X-HTTP-Method-Override": "POST"},
                {"X-Method-Override": "POST"},
            ):
                target.get(
                    f"{path}?{query.replace(' ', '+')}&_method=POST",
                    headers={"Cookie": cookie, **headers},
                )

    assert stored_rows() == before
    assert target.get(ADMIN, headers={"Cookie": cookie}).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded",
                                  "application/json"])  # fmt: skip
def test_session_cookie_does_not_authorise_the_api(target, cookie, stored_rows, kind):
    """Other sites can make browsers send cookies, but not tokens."""
    before, paths, checked = stored_rows(), dict(API_ROUTES), 0
    for operation in OPERATIONS:
        if operation.scopes:
            path = re.sub(r"{\w+}", "hall", f"/tracker{API_PREFIX}{paths[operation.route]}")
            response = target.request(
                operation.method, path, body=b"{}",
                headers={"Cookie": cookie, "Content-Type": kind, "Origin": f"http://{NAME}"},
            )  # fmt: skip
            assert response.status == 401, (operation.id, response.status)
            checked += 1

    assert checked > 5
    assert stored_rows() == before


def test_log_in_replaces_a_planted_session(target, cookie, attacker_page):
    planted = session_cookie(attacker_page)

    assert cookie != planted
    assert target.get(ADMIN, headers={"Cookie": planted}).status == 303
    assert target.get(ADMIN, headers={"Cookie": cookie}).status == 200
    # Another host of the domain can set a second cookie of the same name.
    for cookies in (f"{planted}; {cookie}", f"{cookie}; {planted}"):
        page = target.get(ADMIN, headers={"Cookie": cookies})
        assert page.status in (200, 303)
        assert (page.status == 200) == (b"ada" in page.data)


def test_crew_pages_are_neither_cached_nor_framed(target, cookie):
    for path in ("", "/tokens", "/accounts", "/tokens?x.css", "/login"):
        for headers in ({"Cookie": cookie}, {}):
            response = target.get(ADMIN + path, headers=headers)

            assert response.headers["Cache-Control"] == "no-store"
            assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
            assert "X-Cache" not in response.headers
    for path in ("/tokens/x.css", "/tokens.css", "/tokens%2fx.css", "/tokens;x.css", "//tokens"):
        assert target.get(ADMIN + path, headers={"Cookie": cookie}).status in (303, 404), path
