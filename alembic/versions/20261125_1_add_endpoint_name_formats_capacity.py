"""Add name, formats and capacity of endpoints

Revision: c1a20d4a8b11, after 60fa4efe3f61, 2026-11-25.
"""

import sqlalchemy as sa

from alembic import op

revision = "c1a20d4a8b11"
down_revision = "60fa4efe3f61"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Endpoints report their state every few seconds, so the table is recreated, not converted.
    op.drop_table("endpoint")
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("formats", sa.JSON(), nullable=False),
        sa.Column("qualities", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.Column("region", sa.String(length=64), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("software", sa.String(length=200), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("drained", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handed", sa.BigInteger(), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("bitrate", sa.BigInteger(), nullable=False),
        sa.Column("cbitrate", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_endpoint"),
        sa.UniqueConstraint("room", "name", name="uq_endpoint_room_name"),
    )
    op.create_index("ix_endpoint_last_seen", "endpoint", ["last_seen"])
    with op.batch_alter_table("sample") as batch:
        batch.alter_column(
            "ip",
            new_column_name="name",
            existing_type=sa.String(length=45),
            type_=sa.String(length=64),
            existing_nullable=False,
        )


def downgrade() -> None:
    with op.batch_alter_table("sample") as batch:
        batch.alter_column(
            "name",
            new_column_name="ip",
            existing_type=sa.String(length=64),
            existing_nullable=False,
        )
    op.drop_table("endpoint")
    op.create_table(
        "endpoint",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clients", sa.BigInteger(), nullable=False),
        sa.Column("bitrate", sa.BigInteger(), nullable=False),
        sa.Column("cbitrate", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_endpoint"),
        sa.UniqueConstraint("room", "ip", name="uq_endpoint_room_ip"),
    )
    op.create_index("ix_endpoint_last_seen", "endpoint", ["last_seen"])
