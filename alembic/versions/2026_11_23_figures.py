"""Benchmarks and the figures measured on them."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_23_figures"
down_revision = "2026_11_23_models"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "benchmarks",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("task_type", sa.String(64), nullable=False),
        sa.Column("modality", sa.String(32), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("domain", sa.String(64), nullable=False),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("n_classes", sa.Integer(), nullable=True),
        sa.Column("n_train", sa.Integer(), nullable=True),
        sa.Column("suite", sa.String(64), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_benchmarks"),
    )
    op.create_index("ix_benchmarks_task_type", "benchmarks", ["task_type"])
    op.create_table(
        "figures",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("benchmark", sa.String(200), nullable=False),
        sa.Column("metric", sa.String(64), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("protocol", sa.String(32), nullable=False),
        sa.Column("split", sa.String(32), nullable=False),
        sa.Column("std_error", sa.Float(53), nullable=True),
        sa.Column("n_test", sa.Integer(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("dataset_sha256", sa.String(64), nullable=True),
        sa.Column("project", sa.String(200), nullable=True),
        sa.Column("run_id", sa.String(64), nullable=True),
        sa.Column("superseded_by", ROW_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["superseded_by"], ["figures.id"], name="fk_figures_superseded_by_figures", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_figures"),
        sa.UniqueConstraint("fingerprint", name="uq_figures_fingerprint"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_figures_model", "figures", ["model"])
    op.create_index("ix_figures_benchmark", "figures", ["benchmark"])
    op.create_index("ix_figures_dataset_sha256", "figures", ["dataset_sha256"])


def downgrade() -> None:
    op.drop_table("figures")
    op.drop_table("benchmarks")
