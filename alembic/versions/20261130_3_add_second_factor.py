"""Add the second factor of accounts

Revision: 8c25e0a7d61b, after 4d1be07c93f2, 2026-11-30.
"""

import sqlalchemy as sa

from alembic import op

revision = "8c25e0a7d61b"
down_revision = "4d1be07c93f2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("totp_secret", sa.String(length=64), nullable=True))
    op.add_column(
        "account", sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name="fk_recovery_code_account_id_account",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_recovery_code"),
    )
    op.create_index("ix_recovery_code_account_id", "recovery_code", ["account_id"])


def downgrade() -> None:
    op.drop_table("recovery_code")
    with op.batch_alter_table("account") as table:
        table.drop_column("totp_step")
        table.drop_column("totp_secret")
