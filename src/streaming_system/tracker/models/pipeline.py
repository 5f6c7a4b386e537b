"""Components that produce a stream: mixers, encoders, recorders."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import Base, UtcDateTime, stored, stored_rows


class Component(Base):
    """The present state of a component on a machine.

    ``mood`` is one of Flumotion's: happy, waking, hungry, sleeping, sad, lost. ``since`` is when
    the component got into that mood, by its machine's clock. ``condition`` is a fault that opens an
    incident of its own kind, "" for none; ``clock_offset`` is by how many seconds the machine's
    clock is ahead, ``None`` if unknown.
    """

    __tablename__ = "component"
    __table_args__ = stored_rows(about="servers", retention="7 days after its last report")

    machine: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the machine")
    )
    name: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the program")
    )
    kind: Mapped[str] = mapped_column(sa.String(32), info=stored("mixer, encoder, recorder …"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    mood: Mapped[str] = mapped_column(sa.String(16), info=stored("its state"))
    since: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("since when"))
    detail: Mapped[str] = mapped_column(sa.String(200), info=stored("message of the program"))
    reported_at: Mapped[datetime] = mapped_column(
        UtcDateTime, index=True, info=stored("time of its last report")
    )
    condition: Mapped[str] = mapped_column(
        sa.String(16), default="", server_default="", info=stored("kind of fault")
    )
    clock_offset: Mapped[float | None] = mapped_column(
        sa.Float, info=stored("seconds that the machine's clock is ahead")
    )


class ComponentMood(Base):
    """A period in which a component was in one mood: ``seconds`` from ``since`` on."""

    __tablename__ = "component_mood"
    __table_args__ = stored_rows(about="servers", retention="a day")

    machine: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the machine")
    )
    name: Mapped[str] = mapped_column(
        sa.String(64), primary_key=True, info=stored("name of the program")
    )
    since: Mapped[datetime] = mapped_column(
        UtcDateTime, primary_key=True, index=True, info=stored("begin of the state")
    )
    mood: Mapped[str] = mapped_column(sa.String(16), primary_key=True, info=stored("the state"))
    seconds: Mapped[float] = mapped_column(sa.Float, info=stored("its duration"))
