"""The JSON API behind a client that validates every response against the OpenAPI document."""

from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.routes import API_PREFIX, API_ROUTES


class ValidatingClient(TestApp):
    """A client that validates every response against the OpenAPI document."""

    document = None

    def do_request(self, req, status=None, expect_errors=None):
        response = super().do_request(req, status, expect_errors)
        if self.document is not None:
            self._validate(req, response)
        return response

    def _validate(self, request, response):
        operation = self._find_operation(request)
        if operation is None or request.method == "HEAD":
            return
        expected = operation["responses"][str(response.status_int)]
        if "$ref" in expected:
            expected = self.document["components"]["responses"][str(response.status_int)]
        if "content" not in expected:
            assert response.body == b""
            return
        schema = expected["content"][response.content_type]["schema"]
        Draft202012Validator({**self.document, **schema}).validate(response.json)
        for header in expected.get("headers", {}):
            assert header in response.headers

    def _find_operation(self, request):
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
    """A client of the API whose address is 203.0.113.1."""
    client = ValidatingClient(tracker.app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})
    client.tracker = tracker.app
    client.document = client.get(f"{API_PREFIX}/openapi.json").json
    return client


@pytest.fixture
def token(database):
    """Return a function that issues a token and returns the headers with it."""
    engine = make_engine({"sqlalchemy.url": database})

    def token(scope, room="", endpoint=""):
        with Session(engine) as db, db.begin():
            issued = Tokens(db).issue(
                label=f"a {scope}'s",
                scope=scope,
                room=room,
                endpoint=endpoint,
                created_by="tests",
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
    """Headers with the token of the room ``hall``."""
    return token("room", "hall")


def path_of(operation, **parameters):
    """Return the path of an operation with example parameters."""
    examples = {
        "room": "hall",
        "endpoint": "edge1",
        "machine": "mixer1",
        "talk": "keynote",
        "annotation": 1,
        "token": 1,
        "key": 1,
    }
    return API_PREFIX + dict(API_ROUTES)[operation.route].format(**examples | parameters)


OPERATIONS_WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]
OPERATIONS_WITH_TOKEN = [operation for operation in OPERATIONS if operation.scopes]
