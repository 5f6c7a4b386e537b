"""What the crew's programs do through the JSON API: tokens and annotations."""

import pytest

from streaming_system.tracker.models import Annotation, AuditEntry, Token

TOKENS = "/api/v1/tokens"
NOTES = "/api/v1/annotations"
FOR_HALL = {"label": "Encoder in the hall", "scope": "room", "room": "hall"}


class TestTokens:
    def test_an_issued_token_works_at_once_and_its_text_is_kept_nowhere(self, api, crew, rows):
        issued = api.post_json(TOKENS, FOR_HALL, headers=crew, status=201).json

        api.put_json(
            "/api/v1/rooms/hall/endpoints/edge1",
            {},
            headers={"Authorization": f"Bearer {issued['token']}"},
            status=201,
        )
        assert issued["token"] not in str(rows(Token))
        assert issued["token"].startswith(issued["hint"])
        assert "token" not in api.get(TOKENS, headers=crew).json["tokens"][0]

    def test_who_issued_and_revoked_it_is_in_the_audit_trail(self, api, crew, rows):
        issued = api.post_json(TOKENS, FOR_HALL, headers=crew).json
        api.delete(f"{TOKENS}/{issued['id']}", headers=crew, status=204)

        own = next(row["id"] for row in rows(Token) if row["scope"] == "crew")
        assert [(row["account"], row["action"]) for row in rows(AuditEntry)] == [
            (f"token:{own}", "token.issue"),
            (f"token:{own}", "token.revoke"),
        ]
        listed = {token["id"]: token for token in api.get(TOKENS, headers=crew).json["tokens"]}
        assert listed[issued["id"]]["created_by"] == f"token:{own}"
        assert listed[issued["id"]]["revoked_at"] is not None

    def test_a_token_that_is_revoked_or_never_was_cannot_be_revoked(self, api, crew):
        issued = api.post_json(TOKENS, FOR_HALL, headers=crew).json
        api.delete(f"{TOKENS}/{issued['id']}", headers=crew, status=204)

        api.delete(f"{TOKENS}/{issued['id']}", headers=crew, status=404)
        api.delete(f"{TOKENS}/999999999", headers=crew, status=404)
        api.delete(f"{TOKENS}/99999999999999999999", headers=crew, status=400)

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"label": ""}, "/label"),
            ({"label": "x" * 101}, "/label"),
            ({"scope": "root"}, "/scope"),
            ({"room": None}, "/room"),
            ({"endpoint": "edge1"}, "/endpoint"),
            ({"scope": "endpoint"}, "/endpoint"),
            ({"scope": "crew"}, "/room"),
            ({"hash": "x"}, "/hash"),
        ],
    )
    def test_a_token_is_never_wider_than_it_looks(self, api, crew, rows, change, pointer):
        answer = api.post_json(TOKENS, FOR_HALL | change, headers=crew, status=400)

        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
        assert [row["scope"] for row in rows(Token)] == ["crew"]

    def test_a_room_that_is_not_there_has_no_tokens(self, api, crew):
        answer = api.post_json(TOKENS, FOR_HALL | {"room": "cellar"}, headers=crew, status=404)

        assert answer.json["type"] == "/api/v1/#unknown-room"

    def test_only_the_crew_sees_and_makes_them(self, api, hall, rows):
        api.get(TOKENS, status=401)
        api.get(TOKENS, headers=hall, status=403)
        api.post_json(TOKENS, FOR_HALL, headers=hall, status=403)
        assert len(rows(Token)) == 1

    def test_pages_of_other_sites_cannot_read_them(self, api, crew):
        answer = api.get(TOKENS, headers=crew)

        assert "Access-Control-Allow-Origin" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


class TestAnnotations:
    def test_what_the_crew_writes_everybody_can_read(self, api, crew):
        sent = {"at": "2026-08-22T14:00:00+02:00", "label": "Keynote", "room": "hall"}

        written = api.post_json(NOTES, sent, headers=crew, status=201).json

        assert written == {
            "id": written["id"],
            "at": "2026-08-22T12:00:00.000Z",
            "label": "Keynote",
            "room": "hall",
        }
        day = "?from=2026-08-22T00:00:00Z&to=2026-08-23T00:00:00Z"
        assert api.get(NOTES + day).json == {"annotations": [written]}
        assert api.get(f"{NOTES}{day}&room=lab").json == {"annotations": []}
        assert api.get(f"{NOTES}?to=2026-08-22T12:00:00Z").json == {"annotations": []}

    def test_it_can_be_deleted_once(self, api, crew, rows):
        written = api.post_json(
            NOTES, {"at": "2026-08-22T12:00:00Z", "label": "Oops"}, headers=crew
        ).json

        api.delete(f"{NOTES}/{written['id']}", headers=crew, status=204)

        assert rows(Annotation) == []
        api.delete(f"{NOTES}/{written['id']}", headers=crew, status=404)
        assert [row["action"] for row in rows(AuditEntry)] == [
            "annotation.add",
            "annotation.remove",
        ]

    @pytest.mark.parametrize(
        "change",
        [
            {"at": "2026-08-22T12:00:00"},
            {"at": "2026-08-22"},
            {"at": "0001-01-01T00:00:00+14:00"},
            {"at": "9999-12-31T23:59:59-14:00"},
            {"at": "2026-02-30T12:00:00Z"},
            {"at": 1},
            {"label": ""},
            {"label": "   "},
            {"label": "two\nlines"},
            {"label": "a\x00b"},
            {"room": ""},
        ],
    )
    def test_one_that_cannot_be_shown_is_refused(self, api, crew, rows, change):
        sent = {"at": "2026-08-22T12:00:00Z", "label": "Keynote"} | change

        api.post_json(NOTES, sent, headers=crew, status=400)

        assert rows(Annotation) == []

    def test_a_room_that_is_not_there_has_no_annotations(self, api, crew):
        sent = {"at": "2026-08-22T12:00:00Z", "label": "Keynote", "room": "cellar"}

        api.post_json(NOTES, sent, headers=crew, status=404)

    def test_a_room_writes_its_own_and_deletes_none(self, api, hall, rows):
        sent = {"at": "2026-08-22T12:00:00Z", "label": "Encoder started anew"}

        api.post_json(NOTES, sent, status=401)
        api.post_json(NOTES, sent, headers=hall, status=403)
        api.post_json(NOTES, sent | {"room": "lab"}, headers=hall, status=403)
        assert rows(Annotation) == []
        written = api.post_json(NOTES, sent | {"room": "hall"}, headers=hall, status=201).json
        api.delete(f"{NOTES}/{written['id']}", headers=hall, status=403)
        assert [row["label"] for row in rows(Annotation)] == [sent["label"]]
