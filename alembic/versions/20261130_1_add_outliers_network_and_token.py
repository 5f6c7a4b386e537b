"""Add playback.outliers, playback.network and endpoint.token_id

Revision: b3e8d10c7f42, after a94c1f6e2d70, 2026-11-30.

All are null or have a constant default, so neither database rewrites a table or a partition.
"""

import sqlalchemy as sa

from alembic import op

revision = "b3e8d10c7f42"
down_revision = "a94c1f6e2d70"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("playback", sa.Column("network", sa.Integer(), nullable=True))
    op.add_column(
        "playback", sa.Column("outliers", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("endpoint", sa.Column("token_id", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("endpoint", "token_id")
    op.drop_column("playback", "outliers")
    op.drop_column("playback", "network")
