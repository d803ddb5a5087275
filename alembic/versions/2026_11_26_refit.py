"""What came of training a run's winner on all the data, and how well tokenizers know it."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_26_refit"
down_revision = "2026_11_25_models_created_at"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("probe_runs") as runs:
        runs.add_column(sa.Column("refit", sa.JSON(), nullable=True))
    with op.batch_alter_table("probe_trials") as trials:
        trials.add_column(sa.Column("vocabulary", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("probe_trials") as trials:
        trials.drop_column("vocabulary")
    with op.batch_alter_table("probe_runs") as runs:
        runs.drop_column("refit")
