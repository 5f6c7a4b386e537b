"""Headers and queries that once broke responses, through nginx and straight to a worker."""

import pytest

HOSTILE_HEADERS = (
    {"Accept-Language": "en;q=0"},
    {"Accept-Language": "*;q=0"},
    {"Accept-Language": "en," * 2000},
    {"If-Modified-Since": "Sat, 01 Jan 9999999 00:00:00 GMT"},
    {"If-Range": "Sat, 01 Jan 9999999 00:00:00 GMT", "Range": "bytes=0-1"},
    {"Range": f"bytes={'9' * 5000}-"},
    {"Range": "bytes=-"},
    {"Origin": "https://["},
    {"Referer": "https://["},
    {"Cookie": 'crew="\\377"; x=\xff'},
    {"Last-Event-ID": "9" * 4000},
    {"Forwarded": 'for="[::1";host=['},
    {"X-Forwarded-Host": "["},
    {"X-Forwarded-For": "\xff"},
    {"Authorization": "Bearer \xff"},
)
PATHS = ("/", "/hall", "/schedule", "/brand/logo", "/preview/hall.jpg", "/static/site.css",
         "/tracker/streams.json", "/tracker/overall-stats.json", "/tracker/api/v1/rooms",
         "/tracker/admin/login")  # fmt: skip


@pytest.mark.parametrize("headers", HOSTILE_HEADERS, ids=lambda headers: "+".join(headers))
def test_hostile_headers_break_no_response(target, headers):
    for path in PATHS:
        app = "tracker" if path.startswith("/tracker") else "frontend"
        for port in (target.ports.site, getattr(target.ports, app)[0]):
            response = target.get(path, port=port, headers=headers)

            assert response.status < 500, (path, port)
            assert "X-Request-ID" in response.headers


@pytest.mark.parametrize("query", ["%ff", "x=%ff", "lang=%c3%28"])
def test_undecodable_query_is_refused_by_both_apps(target, query):
    for path in PATHS:
        app = "tracker" if path.startswith("/tracker") else "frontend"
        assert target.get(f"{path}?{query}").status < 500, path
        response = target.get(f"{path}?{query}", port=getattr(target.ports, app)[0])
        assert response.status == 400, path
    # nginx forwards known parameters only.
    assert target.get(f"/hall?{query}").status == (400 if query.startswith("lang=") else 200)
    assert target.get(f"/tracker/api/v1/rooms?{query}").status == 400
