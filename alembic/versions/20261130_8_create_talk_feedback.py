"""Create talk_feedback

Revision: 4c8f1e6b27d3, after 7b2d94e0a6c5, 2026-11-30.
"""

import sqlalchemy as sa

from alembic import op

revision = "4c8f1e6b27d3"
down_revision = "7b2d94e0a6c5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "talk_feedback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("conference", sa.String(length=64), nullable=False),
        sa.Column("talk", sa.String(length=200), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("browser", sa.String(length=64), nullable=False),
        sa.Column("stars", sa.Integer(), nullable=False),
        sa.Column("comment", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_talk_feedback"),
        sa.UniqueConstraint(
            "conference", "talk", "browser", name="uq_talk_feedback_conference_talk_browser"
        ),
    )
    op.create_index("ix_talk_feedback_at", "talk_feedback", ["at"])


def downgrade() -> None:
    op.drop_table("talk_feedback")
