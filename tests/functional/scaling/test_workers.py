"""Two workers share a database, and nothing else: whatever one knows, the other knows at once."""

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
    """A process of its own, asked as clients ask it."""

    def __init__(self, folder, settings):
        folder.mkdir()
        self.served = Served(folder, settings)
        self.served.start()
        self._pool = urllib3.PoolManager(retries=False, timeout=60)

    def ask(self, method, path, headers=None, pool=None, **more):
        url = f"http://127.0.0.1:{self.served.port}{path}"
        return (pool or self._pool).request(
            method, url, headers=headers or {}, redirect=False, **more
        )

    def form(self, path, cookie="", pool=None, **fields):
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie,
                   "Origin": f"http://127.0.0.1:{self.served.port}"}  # fmt: skip
        return self.ask("POST", path, headers, pool, body=urllib.parse.urlencode(fields))

    def register(self, clients):
        data = json.dumps({"overall_clients": clients})
        return self.form("/endpoint/register", secret=SECRET, group="hall", data=data)


@pytest.fixture(scope="module")
def shared_url(server, migrate):
    """The URL of the database of both."""
    url = server()
    migrate(url)
    return url


@pytest.fixture(scope="module")
def crew(shared_url):
    """Ada's account and a token of the hall: its number and its text."""
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
    """Two workers; each lets an address read 30 times a minute."""
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


def cookie(answer, before=""):
    """Return the cookie that a browser sends back after an answer."""
    if "Set-Cookie" not in answer.headers:
        return before
    jar = http.cookies.SimpleCookie(answer.headers["Set-Cookie"])
    return f"crew={jar['crew'].value}"


def csrf(page):
    return re.search(r'name="csrf_token" value="([^"]+)"', page.data.decode())[1]


def log_in(first, second):
    """Fetch the form of one worker, and send it to the other."""
    form = first.ask("GET", "/admin/login")
    answer = second.form(
        "/admin/login", cookie(form), csrf_token=csrf(form), name="ada", password=PASSWORD
    )
    assert answer.status == 303, answer.data
    return cookie(answer)


def test_what_one_worker_is_told_the_other_knows_at_once(pair, crew):
    one, two = pair
    number, token = crew
    bearer = {"Authorization": f"Bearer {token}"}

    for told, asked, clients in ((one, two, 5), (two, one, 8), (one, two, 13)):
        assert told.register(clients).status == 200
        seen = asked.ask("GET", "/hall/streams.json").json()
        assert (seen["live"], len(seen["endpoints"])) == (True, 1)
        figures = asked.ask("GET", "/api/v1/rooms/hall/endpoints").json()
        assert [each["clients"] for each in figures["endpoints"]] == [clients]

    state = {"headers": bearer | {"Content-Type": "application/json"},
             "body": json.dumps({"url": "http://192.0.2.1/", "clients": 1})}  # fmt: skip
    for worker in pair:
        assert worker.ask("PUT", "/api/v1/rooms/hall/endpoints/a", **state).status < 300
    session = log_in(one, two)
    for worker in (one, two):
        page = worker.ask("GET", "/admin/tokens", {"Cookie": session})
        assert (page.status, "Two" in page.data.decode()) == (200, True)
        session = cookie(page, session)
    revoked = one.form("/admin/tokens", session, csrf_token=csrf(page), do="revoke", id=number)
    assert revoked.status == 303, revoked.data
    # Not within some time: the next call is refused.
    assert two.ask("PUT", "/api/v1/rooms/hall/endpoints/a", **state).status == 401

    page = two.ask("GET", "/admin", {"Cookie": session})
    assert two.form("/admin/logout", session, csrf_token=csrf(page)).status == 303
    assert one.ask("GET", "/admin", {"Cookie": session}).status == 303


def test_failed_log_ins_at_one_worker_delay_the_next_at_the_other(pair, crew):
    one, two = pair
    statuses = []
    # A name and an address that no other test uses: both are locked out afterwards.
    with urllib3.PoolManager(retries=False, timeout=60, source_address=("127.0.0.8", 0)) as pool:
        for worker in (one, two) * 6:
            form = worker.ask("GET", "/admin/login", pool=pool)
            fields = {"csrf_token": csrf(form), "name": "eve", "password": "wrong"}
            response = worker.form("/admin/login", cookie(form), pool, **fields)
            statuses.append(response.status)
    assert 429 in statuses


def test_each_worker_counts_calls_for_itself(pair):
    # An address that no other test calls from.
    with urllib3.PoolManager(retries=False, timeout=60, source_address=("127.0.0.9", 0)) as pool:
        # Each is a question of its own, whose answer nobody has kept.
        answers = [
            [
                worker.ask("GET", f"/streams.json?told={number}", pool=pool).status
                for number in range(201)
            ]
            for worker in pair
        ]

    # So two workers let through twice what the ini says, and never more.
    assert answers == [[200] * 200 + [429]] * 2
