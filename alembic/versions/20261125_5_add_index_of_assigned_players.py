"""Add an index of the players assigned to an endpoint

Revision: c5f0b7a1d055, after c4e83a6c9044, 2026-11-25.
"""

from alembic import op

revision = "c5f0b7a1d055"
down_revision = "c4e83a6c9044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_player_room_endpoint_moved", "player", ["room", "endpoint", "moved"])


def downgrade() -> None:
    op.drop_index("ix_player_room_endpoint_moved", "player")
