"""Files that were imported, and how far."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_24_imports"
down_revision = "2026_11_24_benchmark_dataset"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("n_read", sa.BigInteger(), nullable=False),
        sa.Column("is_finished", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "sha256", name="pk_imports"),
    )


def downgrade() -> None:
    op.drop_table("imports")
