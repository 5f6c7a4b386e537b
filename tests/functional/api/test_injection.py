"""Hostile texts stay texts: they never become a part of SQL, HTML, JSON or headers."""

import json

import pytest
import sqlalchemy as sa

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Annotation, AuditEntry, Component, Endpoint, Token

EDGE = "/api/v1/rooms/hall/endpoints/edge1"
EVIL = [
    "'; DROP TABLE endpoint; --",
    '" OR 1=1 --',
    "%' UNION SELECT hash FROM token --",
    "../../etc/passwd",
    "..\\..\\boot.ini",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7919 * 7907 }}${7919*7907}#{7919*7907}",
    '=HYPERLINK("http://evil.example")',
    "@SUM(1+1)",
    "</script><script>",
    "name\r\nSet-Cookie: a=b",
    "a\nb",
    "a\x00b",
    "\u202ekcatta",
    "\u2028alert(1)",
    "\ud800",
    "javascript:alert(1)",
    "%0d%0aX-Injected: 1",
    "$(id)`id`",
]


@pytest.fixture
def tables(database):
    """Return a function that returns the number of rows of each table."""
    engine = make_engine({"sqlalchemy.url": database})

    def tables():
        with engine.connect() as connection:
            return {
                name: connection.scalar(sa.text(f"SELECT count(*) FROM {name}"))
                for name in sa.inspect(engine).get_table_names()
            }

    yield tables
    engine.dispose()


def assert_clean(response):
    """Make sure that an response is one of ours, whatever was sent."""
    assert response.status_int < 500
    assert not {"Set-Cookie", "X-Injected"} & set(response.headers)
    assert response.content_type in ("application/json", "application/problem+json")
    if response.body:
        # The body is JSON without characters that end a line or a script.
        json.loads(response.body)
        assert not {"\r", "\u2028", "\x00"} & set(response.text)
    return response


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_endpoint_report_refuses_hostile_names_and_addresses(api, hall, tables, evil):
    before = tables()
    bodies = [
        {field: evil}
        for field in ("url", "host", "port", "capacity", "draining", "region", "clients", "figures")
    ]
    bodies += [{field: [evil]} for field in ("formats", "qualities", "tags")]
    bodies += [{evil: 1}, {"figures": {evil: {}}}, {"figures": {"webm_high": {evil: 1}}}]

    for body in bodies:
        assert_clean(api.put_json(EDGE, body, headers=hall, status=400))

    assert tables() == before | {"token": before["token"]}


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_path_and_query_refuse_hostile_text(api, hall, crew, rows, evil):
    part = evil.encode("utf-8", "surrogatepass")
    quoted = "".join(f"%{byte:02X}" for byte in part)
    for path in (
        f"/api/v1/rooms/{quoted}",
        f"/api/v1/rooms/{quoted}/samples",
        f"/api/v1/rooms/hall/endpoints/{quoted}",
        f"/api/v1/rooms/hall/samples?from={quoted}",
        f"/api/v1/rooms/hall/samples?{quoted}=1",
        f"/api/v1/annotations?room={quoted}",
        f"/api/v1/{quoted}",
        f"/api/{quoted}/rooms",
    ):
        assert_clean(api.get(path, status="4*"))
    assert_clean(
        api.put_json(f"/api/v1/rooms/hall/endpoints/{quoted}", {}, headers=hall, status="4*")
    )
    assert_clean(api.put_json(f"/api/v1/components/{quoted}", {}, headers=crew, status="4*"))
    assert_clean(api.delete(f"/api/v1/tokens/{quoted}", headers=crew, status="4*"))
    assert_clean(api.delete(f"/api/v1/annotations/{quoted}", headers=crew, status="4*"))

    assert rows(Endpoint) == rows(Component) == rows(Annotation) == rows(AuditEntry) == []


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_free_text_is_stored_unchanged_or_refused(api, crew, rows, evil):
    machine = {
        "kind": "encoder",
        "components": [
            {"name": evil, "detail": evil, "mood": "happy", "since": "2026-08-22T09:00:00Z"}
        ],
    }
    responses = [
        assert_clean(api.put_json(EDGE, {"software": evil}, headers=crew, status="*")),
        assert_clean(api.put_json("/api/v1/components/mixer1", machine, headers=crew, status="*")),
        assert_clean(
            api.post_json(
                "/api/v1/annotations",
                {"at": "2026-08-22T12:00:00Z", "label": evil},
                headers=crew,
                status="*",
            )
        ),
        assert_clean(
            api.post_json(
                "/api/v1/tokens", {"label": evil, "scope": "crew"}, headers=crew, status="*"
            )
        ),
    ]

    accepted = {response.status_int < 300 for response in responses}
    assert len(accepted) == 1
    stored = [row["software"] for row in rows(Endpoint)] + [
        row["label"] for row in rows(Annotation)
    ]
    stored += [text for row in rows(Component) for text in (row["name"], row["detail"])]
    stored += [row["label"] for row in rows(Token) if not row["label"].startswith("a crew")]
    assert stored == ([evil] * 5 if True in accepted else [])


@pytest.mark.parametrize("evil", [text for text in EVIL if text.isprintable()], ids=ascii)
def test_pages_escape_hostile_text(api, crew, evil):
    machine = {
        "kind": "encoder",
        "components": [
            {"name": evil, "detail": evil, "mood": "sad", "since": "2026-08-22T09:00:00Z"}
        ],
    }
    api.put_json(EDGE, {"software": evil}, headers=crew)
    api.put_json("/api/v1/components/mixer1", machine, headers=crew)

    for page in ("/flumotion/stats", "/endpoint/stats"):
        html = api.get(page).text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
        assert "</script><script>" not in html
        assert str(7919 * 7907) not in html


def test_request_headers_are_not_reflected(api):
    response = api.get(
        "/api/v1/rooms",
        headers={"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
    )

    assert "evil.example" not in str(response.headers)
