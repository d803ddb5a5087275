"""What a look at all predictions of a run says at its end."""

import sqlalchemy as sa

from alembic import op

revision = "2026_12_01_review"
down_revision = "2026_11_26_refit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("probe_runs") as runs:
        runs.add_column(sa.Column("review", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("probe_runs") as runs:
        runs.drop_column("review")
