"""What came of training a run's winner on all the data."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_26_refit"
down_revision = "2026_11_25_models_created_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("probe_runs") as runs:
        runs.add_column(sa.Column("refit", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("probe_runs") as runs:
        runs.drop_column("refit")
