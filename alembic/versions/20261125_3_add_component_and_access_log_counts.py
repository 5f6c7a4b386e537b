"""Add components and the counts of access logs

Revision: c3d91b5e7033, after c2b7e6f3d022, 2026-11-25.
"""

import sqlalchemy as sa

from alembic import op

revision = "c3d91b5e7033"
down_revision = "c2b7e6f3d022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "component",
        sa.Column("machine", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("mood", sa.String(length=16), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("machine", "name", name="pk_component"),
    )
    op.create_index("ix_component_reported_at", "component", ["reported_at"])
    op.create_table(
        "component_mood",
        sa.Column("machine", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mood", sa.String(length=16), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("machine", "name", "since", "mood", name="pk_component_mood"),
    )
    op.create_index("ix_component_mood_since", "component_mood", ["since"])
    op.create_table(
        "log_hour",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hits", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.BigInteger(), nullable=False),
        sa.Column("viewers", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "room", "name", name="pk_log_hour"),
    )
    op.create_table(
        "log_visitor",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("visitor", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("hour", "room", "name", "visitor", name="pk_log_visitor"),
    )
    op.create_table(
        "salt",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_salt"),
    )


def downgrade() -> None:
    op.drop_table("salt")
    op.drop_table("log_visitor")
    op.drop_table("log_hour")
    op.drop_table("component_mood")
    op.drop_table("component")
