"""Tokens, annotations and the audit log, on both databases."""

import hashlib
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.annotations import Annotations
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.history import retention
from streaming_system.tracker.models import Token

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def db(engine):
    with Session(engine) as db:
        yield db


class TestTokens:
    def test_token_has_256_random_bits_and_only_its_hash_is_stored(self, tokens, db, rows):
        token, text = tokens.issue(
            label="hall 1", scope="room", room="hall", created_by="ada", now=NOON
        )
        db.commit()

        assert re.fullmatch(r"sst_[A-Za-z0-9_-]{43}", text)
        [row] = rows(Token)
        assert row == {
            "id": token.id,
            "label": "hall 1",
            "scope": "room",
            "room": "hall",
            "endpoint": "",
            "hash": hashlib.sha256(text.encode()).hexdigest(),
            "hint": text[:10],
            "created_at": NOON,
            "created_by": "ada",
            "used_at": None,
            "revoked_at": None,
        }

    def test_tokens_are_unique(self, tokens):
        texts = {
            tokens.issue(label="x", scope="crew", created_by="ada", now=NOON)[1] for _ in range(20)
        }

        assert len(texts) == 20

    def test_only_the_text_of_a_token_authenticates(self, tokens):
        token, text = tokens.issue(label="x", scope="crew", created_by="ada", now=NOON)

        assert tokens.authenticate(text, now=NOON) is token
        for other in ("", text[:-1], text + "a", "sst_" + "a" * 43, token.hash, token.hint):
            assert tokens.authenticate(other, now=NOON) is None

    def test_last_use_is_stored_with_a_resolution_of_a_minute(self, tokens):
        token, text = tokens.issue(label="x", scope="crew", created_by="ada", now=NOON)

        used = []
        for seconds in (0, 59, 60, 61):
            tokens.authenticate(text, now=NOON + timedelta(seconds=seconds))
            used.append((token.used_at - NOON).total_seconds())

        assert used == [0, 0, 60, 60]

    def test_revoked_token_is_rejected_and_still_listed(self, tokens):
        token, text = tokens.issue(label="x", scope="crew", created_by="ada", now=NOON)

        assert tokens.revoke(token.id, now=NOON) is True
        assert tokens.revoke(token.id, now=NOON + MINUTE) is False
        assert tokens.revoke(token.id + 1, now=NOON) is False
        assert tokens.authenticate(text, now=NOON + MINUTE) is None
        assert [(t.id, t.revoked_at) for t in tokens.all()] == [(token.id, NOON)]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"label": "  "}, "the label is empty"),
            ({"label": "a" * 101}, "the label is too long; allowed: 100 characters"),
            ({"label": "a\nb"}, "the label has characters that cannot be shown"),
            ({"label": "a\x00b"}, "the label has characters that cannot be shown"),
            (
                {"scope": "all"},
                "the scope is 'all'; allowed: room, endpoint, crew, publish, captions",
            ),
            ({"scope": "room", "room": ""}, "the room is empty"),
            ({"scope": "endpoint", "endpoint": ""}, "the endpoint is empty"),
            ({"scope": "room", "endpoint": "a"}, "a token for the scope room has no endpoint"),
            ({"scope": "crew"}, "a token for the scope crew has no room"),
        ],
    )
    def test_invalid_token_is_rejected(self, tokens, change, message):
        with pytest.raises(CrewError) as error:
            tokens.issue(
                **{"label": "x", "scope": "room", "room": "hall", "created_by": "ada", "now": NOON}
                | change
            )

        assert str(error.value) == message
        assert tokens.all() == []

    def test_concurrent_reports_with_one_token_all_succeed(self, tokens, db, engine):
        _, text = tokens.issue(label="x", scope="room", room="hall", created_by="ada", now=NOON)
        db.commit()
        start, failures = threading.Barrier(8), []

        def send_reports(number):
            start.wait()
            for minute in range(5):
                now = NOON + minute * MINUTE
                try:
                    with Session(engine) as session:
                        token = Tokens(session).authenticate(text, now=now)
                        AuditLog(session).record(
                            account=token.label, action="report", subject=f"{number}", now=now
                        )
                        session.commit()
                except Exception as error:
                    failures.append(error)

        threads = [threading.Thread(target=send_reports, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert failures == []
        assert len(AuditLog(db).latest()) == 40

    @pytest.fixture
    def tokens(self, db):
        return Tokens(db)


class TestAnnotations:
    def test_annotations_are_in_chronological_order_and_include_those_of_all_rooms(
        self, annotations
    ):
        for minute, room in ((2, ""), (0, "hall"), (1, "lab"), (3, "hall")):
            annotations.add(
                at=NOON + minute * MINUTE, label=f"{minute}", room=room, created_by="ada"
            )

        def labels(*arguments):
            return [a.label for a in annotations.between(NOON, NOON + 3 * MINUTE, *arguments)]

        assert labels() == ["0", "1", "2"]
        assert labels("hall") == ["0", "2"]
        assert labels("") == ["2"]
        assert [a.label for a in annotations.latest(2)] == ["3", "2"]

    def test_annotation_can_be_removed_once(self, annotations):
        annotation = annotations.add(at=NOON, label="x", created_by="ada")

        assert annotations.remove(annotation.id) is True
        assert annotations.remove(annotation.id) is False
        assert annotations.latest() == []

    @pytest.mark.parametrize(
        ("label", "at", "message"),
        [
            ("", NOON, "the label is empty"),
            ("a" * 201, NOON, "the label is too long; allowed: 200 characters"),
            ("a\r\nb", NOON, "the label has characters that cannot be shown"),
            ("x", NOON.replace(year=1999), "the time is not within the years 2000 to 2099"),
            ("x", NOON.replace(year=2100), "the time is not within the years 2000 to 2099"),
        ],
    )
    def test_invalid_annotation_is_rejected(self, annotations, label, at, message):
        with pytest.raises(CrewError) as error:
            annotations.add(at=at, label=label, created_by="ada")

        assert str(error.value) == message

    @pytest.fixture
    def annotations(self, db):
        return Annotations(db)


class TestAudit:
    def test_newest_entries_come_first_and_can_be_filtered_by_account(self, audit):
        for number, name in enumerate(("ada", "bob", "ada")):
            audit.record(account=name, action="x", subject=f"{number}", now=NOON + number * MINUTE)

        assert [entry.subject for entry in audit.latest()] == ["2", "1", "0"]
        assert [entry.subject for entry in audit.latest(1)] == ["2"]
        assert [entry.subject for entry in audit.latest(account="ada")] == ["2", "0"]
        assert audit.accounts() == ["ada", "bob"]

    def test_only_the_latest_failed_logins_are_retained(self, audit, db, monkeypatch):
        monkeypatch.setattr(retention, "MAX_FAILED_LOGINS", 2)
        for number in range(4):
            for action in ("login.failed", "token.issue"):
                audit.record(account="ada", action=action, subject=f"{number}", now=NOON)
        db.flush()
        rules = {name: (model, rule) for model, name, rule in retention.EXPIRY_RULES}
        model, rule = rules["audit entries of failed log-ins"]
        names = ("samples_hours", "minutes_days", "ten_minutes_days", "captions_days")
        service = retention.Retention(db, {f"retention.{name}": 1 for name in names})

        assert service.delete_expired(model, rule(service.cutoffs(now=NOON))) == 2

        assert [e.subject for e in audit.latest(failed_logins=True)] == ["3", "2"]
        assert len(audit.latest()) == 4

    def test_subject_is_sanitized_and_truncated(self, audit):
        audit.record(
            account="a" * 99, action="x" * 99, subject="a\n\x00\x1b[2K" + "b" * 300, now=NOON
        )

        [entry] = audit.latest()
        assert (len(entry.account), len(entry.action), len(entry.subject)) == (64, 32, 200)
        assert entry.subject.startswith("a\ufffd\ufffd\ufffd[2Kbbb")

    @pytest.fixture
    def audit(self, db):
        return AuditLog(db)
