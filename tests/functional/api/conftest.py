"""The JSON API behind a client that holds every answer against the OpenAPI document."""

from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.routes import API_PREFIX, API_ROUTES


class Client(TestApp):
    """A client whose every answer must be one that the document promises."""

    document = None

    def do_request(self, req, status=None, expect_errors=None):
        answer = super().do_request(req, status, expect_errors)
        if self.document is not None:
            self._check(req, answer)
        return answer

    def _check(self, request, answer):
        promised = self._operation(request)
        if promised is None or request.method == "HEAD":
            return
        response = promised["responses"][str(answer.status_int)]
        if "$ref" in response:
            response = self.document["components"]["responses"][str(answer.status_int)]
        if "content" not in response:
            assert answer.body == b""
            return
        schema = response["content"][answer.content_type]["schema"]
        Draft202012Validator({**self.document, **schema}).validate(answer.json)
        for header in response.get("headers", {}):
            assert header in answer.headers

    def _operation(self, request):
        parts = request.environ["PATH_INFO"].removeprefix(API_PREFIX).split("/")
        for path, item in self.document["paths"].items():
            known = path.split("/")
            if len(known) == len(parts) and all(
                a == b or a.startswith("{") for a, b in zip(known, parts, strict=True)
            ):
                return item.get(request.method.lower())
        return None


@pytest.fixture
def api(tracker):
    """A client of the API; requests come from 203.0.113.1."""
    client = Client(tracker.app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})
    client.tracker = tracker.app
    client.document = client.get(f"{API_PREFIX}/openapi.json").json
    return client


@pytest.fixture
def token(database):
    """Return a function that issues a token, and gives the headers that show it."""
    engine = make_engine({"sqlalchemy.url": database})

    def token(scope, room="", endpoint=""):
        with Session(engine) as db, db.begin():
            issued = Tokens(db).issue(
                label=f"a {scope}'s",
                scope=scope,
                room=room,
                endpoint=endpoint,
                by="tests",
                now=datetime.now(UTC),
            )
        return {"Authorization": f"Bearer {issued[1]}"}

    yield token
    engine.dispose()


@pytest.fixture
def crew(token):
    return token("crew")


@pytest.fixture
def hall(token):
    """The headers of whoever may report for the hall."""
    return token("room", "hall")


def address(operation, **values):
    """Return where an operation is, with sensible values in its address."""
    known = {"room": "hall", "endpoint": "edge1", "machine": "mixer1", "annotation": 1, "token": 1}
    return API_PREFIX + dict(API_ROUTES)[operation.route].format(**known | values)


WRITING = [operation for operation in OPERATIONS if operation.body is not None]
GUARDED = [operation for operation in OPERATIONS if operation.scopes]
