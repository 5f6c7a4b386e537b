"""Create log_batch

Revision: a94c1f6e2d70, after e7c2d9a4b066, 2026-11-29.
"""

import sqlalchemy as sa

from alembic import op

revision = "a94c1f6e2d70"
down_revision = "e7c2d9a4b066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_batch",
        sa.Column("sender", sa.String(length=40), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("batch", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("sender", "room", name="pk_log_batch"),
    )


def downgrade() -> None:
    op.drop_table("log_batch")
