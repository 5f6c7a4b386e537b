"""Add the instance and clock of endpoints, and the condition and clock of components

Revision: 7be2d94a1c36, after c4f7a21e9b58, 2026-11-30.

All are null or have a constant default, so neither database rewrites a table.
"""

import sqlalchemy as sa

from alembic import op

revision = "7be2d94a1c36"
down_revision = "c4f7a21e9b58"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, length in (("instance", 64), ("clash_host", 255)):
        op.add_column(
            "endpoint", sa.Column(name, sa.String(length), nullable=False, server_default="")
        )
    op.add_column("endpoint", sa.Column("clash_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("endpoint", sa.Column("clock_offset", sa.Float(), nullable=True))
    op.add_column(
        "component", sa.Column("condition", sa.String(16), nullable=False, server_default="")
    )
    op.add_column("component", sa.Column("clock_offset", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("component", "clock_offset")
    op.drop_column("component", "condition")
    for name in ("clock_offset", "clash_at", "clash_host", "instance"):
        op.drop_column("endpoint", name)
