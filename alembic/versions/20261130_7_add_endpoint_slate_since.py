"""Add endpoint.slate_since

Revision: 7b2d94e0a6c5, after 7b3e5d90a1c6, 2026-11-30.

The column is nullable, so neither database rewrites the table, and workers of the previous version
can go on inserting endpoints.
"""

import sqlalchemy as sa

from alembic import op

revision = "7b2d94e0a6c5"
down_revision = "7b3e5d90a1c6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("endpoint", sa.Column("slate_since", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("endpoint", "slate_since")
