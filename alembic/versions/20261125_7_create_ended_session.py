"""Create ended_session

Revision: d6a1c4f27b55, after c5d1f0a9e355, 2026-11-25.
"""

import sqlalchemy as sa

from alembic import op

revision = "d6a1c4f27b55"
down_revision = "c5d1f0a9e355"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ended_session",
        sa.Column("id", sa.String(length=43), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ended_session"),
    )
    op.create_index("ix_ended_session_at", "ended_session", ["at"])


def downgrade() -> None:
    op.drop_table("ended_session")
