"""Create stream_key, add endpoint.ingest

Revision: 7b3e5d90a1c6, after 7be2d94a1c36, 2026-11-30.

The default is constant, so neither database rewrites the table, and workers of the previous version
can go on inserting endpoints.
"""

import sqlalchemy as sa

from alembic import op

revision = "7b3e5d90a1c6"
down_revision = "7be2d94a1c36"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stream_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_stream_key"),
        sa.UniqueConstraint("hash", name="uq_stream_key_hash"),
    )
    op.create_index("ix_stream_key_room", "stream_key", ["room"])
    op.add_column(
        "endpoint", sa.Column("ingest", sa.JSON(), nullable=False, server_default=sa.text("'[]'"))
    )


def downgrade() -> None:
    op.drop_column("endpoint", "ingest")
    op.drop_table("stream_key")
