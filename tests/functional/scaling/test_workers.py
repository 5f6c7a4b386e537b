"""Two workers that share only a database have the same state at any time."""

import contextlib
import http.cookies
import json
import re
import urllib.parse
from datetime import UTC, datetime

import pytest
import urllib3
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine

from ..conftest import SECRET
from ..served import Served

PASSWORD = "correct horse"


class Worker:
    """A worker process with an HTTP client."""

    def __init__(self, folder, settings):
        folder.mkdir()
        self.served = Served(folder, settings)
        self.served.start()
        self._pool = urllib3.PoolManager(retries=False, timeout=60)

    def request(self, method, path, headers=None, pool=None, **more):
        url = f"http://127.0.0.1:{self.served.port}{path}"
        return (pool or self._pool).request(
            method, url, headers=headers or {}, redirect=False, **more
        )

    def form(self, path, cookie="", pool=None, **fields):
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie,
                   "Origin": f"http://127.0.0.1:{self.served.port}"}  # fmt: skip
        return self.request("POST", path, headers, pool, body=urllib.parse.urlencode(fields))

    def register(self, clients):
        data = json.dumps({"overall_clients": clients})
        return self.form("/endpoint/register", secret=SECRET, group="hall", data=data)


@pytest.fixture(scope="module")
def shared_url(server, migrate):
    """Return the URL of the shared database."""
    url = server()
    migrate(url)
    return url


@pytest.fixture(scope="module")
def crew(shared_url):
    """Create Ada's account and a token of the hall; return the token's id and text."""
    engine = make_engine({"sqlalchemy.url": shared_url})
    with Session(engine) as db, db.begin():
        Accounts(db).create("ada", PASSWORD, now=datetime.now(UTC))
        token, text = Tokens(db).issue(
            label="Two",
            scope="room",
            room="hall",
            endpoint="",
            created_by="tests",
            now=datetime.now(UTC),
        )
        number = token.id
    engine.dispose()
    return number, text


@pytest.fixture(scope="module")
def pair(crew, shared_url, tmp_path_factory):
    """Start two workers; the rate limit of each is 200 reads an hour and address."""
    folder = tmp_path_factory.mktemp("workers")
    config = {"config": {"secret": SECRET}, "hall": {"title": "Great Hall"}}
    (folder / "config.json").write_text(json.dumps(config))
    settings = {
        "config.public": str(folder / "config.json"),
        "config.private": str(folder / "none.json"),
        "sqlalchemy.url": shared_url,
        "session.secure": "false",
        "limit.reads": "200/hour",
    }
    with contextlib.ExitStack() as stack:
        workers = []
        for name in ("one", "two"):
            workers.append(Worker(folder / name, settings))
            stack.callback(workers[-1].served.stop)
        yield workers


def cookie(response, before=""):
    """Return the cookie that a browser sends after a response."""
    if "Set-Cookie" not in response.headers:
        return before
    jar = http.cookies.SimpleCookie(response.headers["Set-Cookie"])
    return f"crew={jar['crew'].value}"


def csrf(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page.data.decode())[1]


def log_in(first, second):
    """Fetch the form from one worker, and submit it to the other."""
    form = first.request("GET", "/admin/login")
    response = second.form(
        "/admin/login", cookie(form), csrf_token=csrf(form), name="ada", password=PASSWORD
    )
    assert response.status == 303, response.data
    return cookie(response)


def test_a_write_to_one_worker_is_visible_at_the_other(pair, crew):
    one, two = pair
    number, token = crew
    bearer = {"Authorization": f"Bearer {token}"}

    for writer, reader, clients in ((one, two, 5), (two, one, 8), (one, two, 13)):
        assert writer.register(clients).data == b"OK\n"
        seen = reader.request("GET", "/hall/streams.json").json()
        assert (seen["live"], len(seen["endpoints"])) == (True, 1)
        document = reader.request("GET", "/api/v1/rooms/hall/endpoints").json()
        assert [each["clients"] for each in document["endpoints"]] == [clients]

    state = {"headers": bearer | {"Content-Type": "application/json"},
             "body": json.dumps({"url": "http://192.0.2.1/", "clients": 1})}  # fmt: skip
    for worker in pair:
        assert worker.request("PUT", "/api/v1/rooms/hall/endpoints/a", **state).status < 300
    session = log_in(one, two)
    for worker in (one, two):
        page = worker.request("GET", "/admin/tokens", {"Cookie": session})
        assert (page.status, "Two" in page.data.decode()) == (200, True)
        session = cookie(page, session)
    revoked = one.form("/admin/tokens", session, csrf_token=csrf(page), do="revoke", id=number)
    assert revoked.status == 303, revoked.data
    # The very next request is refused.
    assert two.request("PUT", "/api/v1/rooms/hall/endpoints/a", **state).status == 401

    page = two.request("GET", "/admin", {"Cookie": session})
    assert two.form("/admin/logout", session, csrf_token=csrf(page)).status == 303
    assert one.request("GET", "/admin", {"Cookie": session}).status == 303


def test_failed_logins_count_at_both_workers(pair, crew):
    one, two = pair
    statuses = []
    # A name and an address that no other test uses: both are locked out afterwards.
    with urllib3.PoolManager(retries=False, timeout=60, source_address=("127.0.0.8", 0)) as pool:
        for worker in (one, two) * 6:
            form = worker.request("GET", "/admin/login", pool=pool)
            fields = {"csrf_token": csrf(form), "name": "eve", "password": "wrong"}
            response = worker.form("/admin/login", cookie(form), pool, **fields)
            statuses.append(response.status)
    assert 429 in statuses


def test_each_worker_has_its_own_rate_limits(pair):
    # An address that no other test uses.
    with urllib3.PoolManager(retries=False, timeout=60, source_address=("127.0.0.9", 0)) as pool:
        # Unique URLs, so that no cached response is used.
        statuses_by_worker = [
            [
                worker.request("GET", f"/streams.json?told={number}", pool=pool).status
                for number in range(201)
            ]
            for worker in pair
        ]

    # Two workers accept twice the limit of the ini file.
    assert statuses_by_worker == [[200] * 200 + [429]] * 2
