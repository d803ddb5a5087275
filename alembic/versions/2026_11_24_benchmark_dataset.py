"""The data set behind a benchmark; figures whose protocol or model name was corrected are read anew."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_24_benchmark_dataset"
down_revision = "2026_11_23_probe_runs"
branch_labels = None
depends_on = None

_CORRECTED = (
    "https://github.com/hearbenchmark/hear-leaderboard/blob/%",  # frozen + head, not linear probes
    "https://github.com/superbbenchmark/superbbenchmark.github.io/blob/%",
    "https://github.com/mlfoundations/open_clip/blob/%",  # models under the library's own names
)


def upgrade() -> None:
    with op.batch_alter_table("benchmarks") as benchmarks:
        benchmarks.add_column(sa.Column("dataset", sa.String(200), nullable=True))
    op.execute("UPDATE benchmarks SET dataset = name")
    with op.batch_alter_table("benchmarks") as benchmarks:
        benchmarks.alter_column("dataset", existing_type=sa.String(200), nullable=False)
    figures = sa.table("figures", sa.column("source", sa.Text), sa.column("kind", sa.String))
    shipped = sa.or_(*(figures.c.source.like(pattern) for pattern in _CORRECTED))
    op.execute(sa.delete(figures).where(figures.c.kind == "published", shipped))


def downgrade() -> None:
    with op.batch_alter_table("benchmarks") as benchmarks:
        benchmarks.drop_column("dataset")
