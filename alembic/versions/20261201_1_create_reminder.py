"""Create push_subscription, reminder and reminder_total

Revision: 5d2a7c90e1b4, after 4c8f1e6b27d3, 2026-12-01.
"""

import sqlalchemy as sa

from alembic import op

revision = "5d2a7c90e1b4"
down_revision = "4c8f1e6b27d3"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "push_subscription",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("url_hash", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("p256dh", sa.String(length=100), nullable=False),
        sa.Column("auth", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_push_subscription"),
        sa.UniqueConstraint("url_hash", name="uq_push_subscription_url_hash"),
    )
    op.create_table(
        "reminder",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("subscription_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("subject", sa.String(length=270), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_for", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_reminder"),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["push_subscription.id"],
            name="fk_reminder_subscription_id_push_subscription",
            ondelete="CASCADE",
        ),
        sa.UniqueConstraint(
            "subscription_id",
            "kind",
            "subject",
            name="uq_reminder_subscription_id_kind_subject",
        ),
    )
    op.create_index("ix_reminder_kind_subject", "reminder", ["kind", "subject", "sent_for"])
    op.create_index("ix_reminder_until", "reminder", ["until"])
    op.create_table(
        "reminder_total",
        sa.Column("result", sa.String(length=8), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("result", name="pk_reminder_total"),
    )


def downgrade() -> None:
    op.drop_table("reminder_total")
    op.drop_table("reminder")
    op.drop_table("push_subscription")
