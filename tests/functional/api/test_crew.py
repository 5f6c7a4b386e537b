"""Programs of the crew manage tokens and annotations through the JSON API."""

import pytest
import sqlalchemy as sa

from streaming_system.tracker.models import Annotation, AuditEntry, Token

TOKENS = "/api/v1/tokens"
ANNOTATIONS = "/api/v1/annotations"
HALL_TOKEN = {"label": "Encoder in the hall", "scope": "room", "room": "hall"}


class TestTokens:
    def test_issued_token_works_at_once_and_its_text_is_not_stored(self, api, crew, rows):
        issued = api.post_json(TOKENS, HALL_TOKEN, headers=crew, status=201).json

        api.put_json(
            "/api/v1/rooms/hall/endpoints/edge1",
            {},
            headers={"Authorization": f"Bearer {issued['token']}"},
            status=201,
        )
        assert issued["token"] not in str(rows(Token))
        assert issued["token"].startswith(issued["hint"])
        assert "token" not in api.get(TOKENS, headers=crew).json["tokens"][0]

    def test_audit_log_has_the_issuer_and_the_revoker(self, api, crew, rows):
        issued = api.post_json(TOKENS, HALL_TOKEN, headers=crew).json
        api.delete(f"{TOKENS}/{issued['id']}", headers=crew, status=204)

        crew_token = next(row["id"] for row in rows(Token) if row["scope"] == "crew")
        assert [(row["account"], row["action"]) for row in rows(AuditEntry)] == [
            (f"token:{crew_token}", "token.issue"),
            (f"token:{crew_token}", "token.revoke"),
        ]
        listed = {token["id"]: token for token in api.get(TOKENS, headers=crew).json["tokens"]}
        assert listed[issued["id"]]["created_by"] == f"token:{crew_token}"
        assert listed[issued["id"]]["revoked_at"] is not None

    def test_revoked_or_unknown_token_cannot_be_revoked(self, api, crew):
        issued = api.post_json(TOKENS, HALL_TOKEN, headers=crew).json
        api.delete(f"{TOKENS}/{issued['id']}", headers=crew, status=204)

        api.delete(f"{TOKENS}/{issued['id']}", headers=crew, status=404)
        api.delete(f"{TOKENS}/{2**31 - 1}", headers=crew, status=404)
        for number in (2**31, 9_999_999_999, 99999999999999999999):
            api.delete(f"{TOKENS}/{number}", headers=crew, status=400)

    def test_token_with_the_largest_id_can_be_revoked(self, api, crew, engine, rows):
        issued = api.post_json(TOKENS, HALL_TOKEN, headers=crew).json
        with engine.begin() as connection:
            # Without an effect on the ids of later rows.
            connection.execute(
                sa.update(Token).where(Token.id == issued["id"]).values(id=2**31 - 1)
            )

        api.delete(f"{TOKENS}/{2**31 - 1}", headers=crew, status=204)

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
    def test_members_that_the_scope_ignores_are_refused(self, api, crew, rows, change, pointer):
        response = api.post_json(TOKENS, HALL_TOKEN | change, headers=crew, status=400)

        assert [error["pointer"] for error in response.json["errors"]] == [pointer]
        assert [row["scope"] for row in rows(Token)] == ["crew"]

    def test_token_of_unknown_room_is_refused(self, api, crew):
        response = api.post_json(TOKENS, HALL_TOKEN | {"room": "cellar"}, headers=crew, status=404)

        assert response.json["type"] == "/api/v1/#unknown-room"

    def test_tokens_need_the_scope_crew(self, api, hall, rows):
        api.get(TOKENS, status=401)
        api.get(TOKENS, headers=hall, status=403)
        api.post_json(TOKENS, HALL_TOKEN, headers=hall, status=403)
        assert len(rows(Token)) == 1

    def test_pages_of_other_sites_cannot_read_tokens(self, api, crew):
        response = api.get(TOKENS, headers=crew)

        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"


class TestAnnotations:
    def test_annotations_of_the_crew_are_public(self, api, crew):
        annotation = {"at": "2026-08-22T14:00:00+02:00", "label": "Keynote", "room": "hall"}

        added = api.post_json(ANNOTATIONS, annotation, headers=crew, status=201).json

        assert added == {
            "id": added["id"],
            "at": "2026-08-22T12:00:00.000Z",
            "label": "Keynote",
            "room": "hall",
        }
        day = "?from=2026-08-22T00:00:00Z&to=2026-08-23T00:00:00Z"
        assert api.get(ANNOTATIONS + day).json == {"annotations": [added]}
        assert api.get(f"{ANNOTATIONS}{day}&room=lab").json == {"annotations": []}
        assert api.get(f"{ANNOTATIONS}?to=2026-08-22T12:00:00Z").json == {"annotations": []}

    def test_annotation_can_be_deleted_once(self, api, crew, rows):
        added = api.post_json(
            ANNOTATIONS, {"at": "2026-08-22T12:00:00Z", "label": "Oops"}, headers=crew
        ).json

        api.delete(f"{ANNOTATIONS}/{added['id']}", headers=crew, status=204)

        assert rows(Annotation) == []
        api.delete(f"{ANNOTATIONS}/{added['id']}", headers=crew, status=404)
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
    def test_invalid_annotation_is_refused(self, api, crew, rows, change):
        annotation = {"at": "2026-08-22T12:00:00Z", "label": "Keynote"} | change

        api.post_json(ANNOTATIONS, annotation, headers=crew, status=400)

        assert rows(Annotation) == []

    def test_annotation_of_unknown_room_is_refused(self, api, crew):
        annotation = {"at": "2026-08-22T12:00:00Z", "label": "Keynote", "room": "cellar"}

        api.post_json(ANNOTATIONS, annotation, headers=crew, status=404)

    def test_token_of_a_room_can_add_its_annotations_and_delete_none(self, api, hall, rows):
        annotation = {"at": "2026-08-22T12:00:00Z", "label": "Encoder restarted"}

        api.post_json(ANNOTATIONS, annotation, status=401)
        api.post_json(ANNOTATIONS, annotation, headers=hall, status=403)
        api.post_json(ANNOTATIONS, annotation | {"room": "lab"}, headers=hall, status=403)
        assert rows(Annotation) == []
        added = api.post_json(
            ANNOTATIONS, annotation | {"room": "hall"}, headers=hall, status=201
        ).json
        api.delete(f"{ANNOTATIONS}/{added['id']}", headers=hall, status=403)
        assert [row["label"] for row in rows(Annotation)] == [annotation["label"]]
