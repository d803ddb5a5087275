"""Which benchmark a benchmark's test set is a shifted version of."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_25_shifted_from"
down_revision = "2026_11_24_packed_answers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("benchmarks") as benchmarks:
        benchmarks.add_column(sa.Column("shifted_from", sa.String(200), nullable=True))
    op.execute("UPDATE benchmarks SET shifted_from = ''")
    with op.batch_alter_table("benchmarks") as benchmarks:
        benchmarks.alter_column("shifted_from", existing_type=sa.String(200), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("benchmarks") as benchmarks:
        benchmarks.drop_column("shifted_from")
