"""What the tracker remembers."""

from streaming_system.tracker.models.base import Base, UtcDateTime
from streaming_system.tracker.models.crew import (
    Account,
    Annotation,
    Audit,
    EndedSession,
    Incident,
    LoginFailure,
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
    SampleMinute,
    SampleTen,
)
from streaming_system.tracker.models.pipeline import Component, ComponentMood
from streaming_system.tracker.models.playback import (
    Playback,
    PlaybackMinute,
    PlaybackTen,
    Player,
    Rollup,
)

__all__ = [
    "Account",
    "Annotation",
    "Audit",
    "Base",
    "Component",
    "ComponentMood",
    "EndedSession",
    "Endpoint",
    "Incident",
    "LogBatch",
    "LogHour",
    "LogVisitor",
    "LoginFailure",
    "Playback",
    "PlaybackMinute",
    "PlaybackTen",
    "Player",
    "Rollup",
    "Salt",
    "Sample",
    "SampleMinute",
    "SampleTen",
    "ServerKey",
    "Token",
    "UtcDateTime",
]
