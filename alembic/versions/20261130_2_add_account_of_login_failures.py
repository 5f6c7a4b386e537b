"""Add the account of login failures

Revision: 4d1be07c93f2, after b3e8d10c7f42, 2026-11-30.
"""

import sqlalchemy as sa

from alembic import op

revision = "4d1be07c93f2"
down_revision = "b3e8d10c7f42"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "login_failure",
        sa.Column("name_key", sa.String(length=64), server_default="", nullable=False),
    )
    op.create_index("ix_login_failure_name_key", "login_failure", ["name_key"])


def downgrade() -> None:
    op.drop_index("ix_login_failure_name_key", "login_failure")
    with op.batch_alter_table("login_failure") as table:
        table.drop_column("name_key")
