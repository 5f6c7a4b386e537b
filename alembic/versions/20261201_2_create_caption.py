"""Create caption

Revision: 9d1c5e7a3b48, after 5d2a7c90e1b4, 2026-12-01.
"""

import sqlalchemy as sa

from alembic import op

revision = "9d1c5e7a3b48"
down_revision = "5d2a7c90e1b4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "caption",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_caption"),
    )
    op.create_index("ix_caption_room_start", "caption", ["room", "start"])
    op.create_index("ix_caption_start", "caption", ["start"])


def downgrade() -> None:
    op.drop_table("caption")
