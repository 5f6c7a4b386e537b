"""The tables of the tracker's database."""

from streaming_system.tracker.models.base import Base, UtcDateTime
from streaming_system.tracker.models.caption import Caption
from streaming_system.tracker.models.crew import (
    Account,
    Annotation,
    AuditEntry,
    IncidentRecord,
    LoginFailure,
    RecoveryCode,
    RevokedSession,
    Salt,
    ServerKey,
    Token,
)
from streaming_system.tracker.models.endpoint import (
    Endpoint,
    LogBatch,
    LogHour,
    LogVisitor,
    Sample,
    Sample1Min,
    Sample10Min,
)
from streaming_system.tracker.models.feedback import TalkFeedback
from streaming_system.tracker.models.pipeline import Component, ComponentMood
from streaming_system.tracker.models.playback import (
    Playback,
    Playback1Min,
    Playback10Min,
    Player,
    RollupCursor,
)
from streaming_system.tracker.models.reminder import PushSubscription, Reminder, ReminderTotal
from streaming_system.tracker.models.stream_key import StreamKey

__all__ = [
    "Account",
    "Annotation",
    "AuditEntry",
    "Base",
    "Caption",
    "Component",
    "ComponentMood",
    "Endpoint",
    "IncidentRecord",
    "LogBatch",
    "LogHour",
    "LogVisitor",
    "LoginFailure",
    "Playback",
    "Playback1Min",
    "Playback10Min",
    "Player",
    "PushSubscription",
    "RecoveryCode",
    "Reminder",
    "ReminderTotal",
    "RevokedSession",
    "RollupCursor",
    "Salt",
    "Sample",
    "Sample1Min",
    "Sample10Min",
    "ServerKey",
    "StreamKey",
    "TalkFeedback",
    "Token",
    "UtcDateTime",
]
