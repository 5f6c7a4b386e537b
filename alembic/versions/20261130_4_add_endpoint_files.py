"""Add endpoint.files

Revision: c4f7a21e9b58, after 8c25e0a7d61b, 2026-11-30.

The default is constant, so neither database rewrites the table, and workers of the previous version
can go on inserting endpoints.
"""

import sqlalchemy as sa

from alembic import op

revision = "c4f7a21e9b58"
down_revision = "8c25e0a7d61b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "endpoint", sa.Column("files", sa.JSON(), nullable=False, server_default=sa.text("'{}'"))
    )


def downgrade() -> None:
    op.drop_column("endpoint", "files")
