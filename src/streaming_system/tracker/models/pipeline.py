"""The machines and programs that make a stream: mixers, encoders, recorders."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import Base, UtcDateTime


class Component(Base):
    """A part of a pipeline on some machine, as it is now.

    ``mood`` is one of Flumotion's words: happy, waking, hungry, sleeping, sad, lost; ``since`` is
    when it got into that mood, by its machine's clock.
    """

    __tablename__ = "component"

    machine: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    room: Mapped[str] = mapped_column(sa.String(64))
    mood: Mapped[str] = mapped_column(sa.String(16))
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    detail: Mapped[str] = mapped_column(sa.String(200))
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class ComponentMood(Base):
    """That a component was in a mood from ``since`` for ``seconds``."""

    __tablename__ = "component_mood"

    machine: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, index=True)
    mood: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    seconds: Mapped[float] = mapped_column(sa.Float)
