"""Change rolled up samples to time-weighted means

Revision: c5d1f0a9e355, after c5f0b7a1d055, 2026-11-25.
"""

from alembic import op

revision = "c5d1f0a9e355"
down_revision = "c5f0b7a1d055"
branch_labels = None
depends_on = None

# No version that filled these tables was ever released, so they are empty.
TABLES = ("sample_minute", "sample_ten")
METRICS = ("clients", "bitrate", "cbitrate")


def upgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            for figure in METRICS:
                batch.alter_column(f"{figure}_sum", new_column_name=f"{figure}_ms")


def downgrade() -> None:
    for table in TABLES:
        with op.batch_alter_table(table) as batch:
            for figure in METRICS:
                batch.alter_column(f"{figure}_ms", new_column_name=f"{figure}_sum")
