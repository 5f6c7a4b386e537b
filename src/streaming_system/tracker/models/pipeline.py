"""Components that produce a stream: mixers, encoders, recorders."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import Base, UtcDateTime


class Component(Base):
    """The present state of a component on a machine.

    ``mood`` is one of Flumotion's: happy, waking, hungry, sleeping, sad, lost. ``since`` is when
    the component got into that mood, by its machine's clock.
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
    """A period in which a component was in one mood: ``seconds`` from ``since`` on."""

    __tablename__ = "component_mood"

    machine: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True, index=True)
    mood: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    seconds: Mapped[float] = mapped_column(sa.Float)
