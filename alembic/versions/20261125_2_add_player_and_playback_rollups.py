"""Add players, playback reports and rollups

Revision: c2b7e6f3d022, after c1a20d4a8b11, 2026-11-25.
"""

import sqlalchemy as sa

from alembic import op

revision = "c2b7e6f3d022"
down_revision = "c1a20d4a8b11"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "player",
        sa.Column("sid", sa.String(length=64), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("quality", sa.String(length=32), nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.Column("moved", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("startup_ms", sa.Integer(), nullable=True),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffer_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffers", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sid", name="pk_player"),
    )
    op.create_index("ix_player_begun_room", "player", ["begun", "room"])
    op.create_index("ix_player_until_room", "player", ["until", "room", "endpoint"])
    op.create_table(
        "playback",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("format", sa.String(length=16), nullable=False),
        sa.Column("quality", sa.String(length=32), nullable=False),
        sa.Column("startup_ms", sa.Integer(), nullable=True),
        sa.Column("bitrate", sa.BigInteger(), nullable=True),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffer_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffers", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_playback"),
    )
    op.create_index("ix_playback_at", "playback", ["at"])
    op.create_table(
        "playback_minute",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("viewers", sa.Integer(), nullable=False),
        sa.Column("startups", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffer_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffers", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", "room", "endpoint", name="pk_playback_minute"),
    )
    op.create_table(
        "playback_ten",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("endpoint", sa.String(length=64), nullable=False),
        sa.Column("viewers", sa.Integer(), nullable=False),
        sa.Column("startups", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Integer(), nullable=False),
        sa.Column("played_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffer_ms", sa.BigInteger(), nullable=False),
        sa.Column("rebuffers", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("at", "room", "endpoint", name="pk_playback_ten"),
    )
    op.create_table(
        "sample_minute",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("clients_sum", sa.BigInteger(), nullable=False),
        sa.Column("clients_max", sa.BigInteger(), nullable=False),
        sa.Column("bitrate_sum", sa.BigInteger(), nullable=False),
        sa.Column("bitrate_max", sa.BigInteger(), nullable=False),
        sa.Column("cbitrate_sum", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "room", "name", name="pk_sample_minute"),
    )
    op.create_table(
        "sample_ten",
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("room", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("clients_sum", sa.BigInteger(), nullable=False),
        sa.Column("clients_max", sa.BigInteger(), nullable=False),
        sa.Column("bitrate_sum", sa.BigInteger(), nullable=False),
        sa.Column("bitrate_max", sa.BigInteger(), nullable=False),
        sa.Column("cbitrate_sum", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("at", "room", "name", name="pk_sample_ten"),
    )
    op.create_table(
        "rollup",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rollup"),
    )


def downgrade() -> None:
    op.drop_table("rollup")
    op.drop_table("sample_ten")
    op.drop_table("sample_minute")
    op.drop_table("playback_ten")
    op.drop_table("playback_minute")
    op.drop_table("playback")
    op.drop_table("player")
