"""Programs of the crew manage stream keys through the JSON API."""

import pytest

from streaming_system.tracker.models import AuditEntry, StreamKey

KEYS = "/api/v1/stream-keys"
HALL_KEY = {"room": "hall", "label": "OBS in the hall"}


def test_key_is_created_listed_and_revoked(api, crew, rows):
    created = api.post_json(KEYS, HALL_KEY, headers=crew, status=201).json

    assert created["key"].startswith(created["hint"])
    assert created["key"] not in str(rows(StreamKey))
    [listed] = api.get(KEYS, headers=crew).json["stream_keys"]
    assert listed == {k: v for k, v in created.items() if k not in ("key", "encoders")}

    api.delete(f"{KEYS}/{created['id']}", headers=crew, status=204)
    api.delete(f"{KEYS}/{created['id']}", headers=crew, status=404)
    assert [row["action"] for row in rows(AuditEntry)] == [
        "stream_key.create",
        "stream_key.revoke",
    ]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"label": ""}, 400),
        ({"room": "cellar"}, 404),
        ({"expires_at": "2020-01-01T00:00:00Z"}, 400),
        ({"expires_at": "soon"}, 400),
        ({"key": "chosen"}, 400),
    ],
)
def test_invalid_key_is_refused(api, crew, rows, change, status):
    api.post_json(KEYS, HALL_KEY | change, headers=crew, status=status)

    assert rows(StreamKey) == []


def test_third_key_of_a_room_is_refused(api, crew):
    for _ in range(2):
        api.post_json(KEYS, HALL_KEY, headers=crew, status=201)

    assert (
        "2 valid stream keys"
        in api.post_json(KEYS, HALL_KEY, headers=crew, status=400).json["detail"]
    )


@pytest.mark.parametrize("scope", ["room", "publish"])
def test_keys_need_the_scope_crew(api, token, rows, scope):
    headers = token(scope, "hall" if scope == "room" else "")

    api.get(KEYS, status=401)
    api.get(KEYS, headers=headers, status=403)
    api.post_json(KEYS, HALL_KEY, headers=headers, status=403)
    assert rows(StreamKey) == []
