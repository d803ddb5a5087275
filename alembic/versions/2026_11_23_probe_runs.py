"""Probe runs with their trials, points, observations and events."""

import sqlalchemy as sa

from alembic import op

revision = "2026_11_23_probe_runs"
down_revision = "2026_11_23_datasets"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _runs()
    _trials()
    op.create_table(
        "observations",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        _of_run("observations"),
        sa.PrimaryKeyConstraint("id", name="pk_observations"),
        sa.UniqueConstraint("run_id", "number", name="uq_observations_number"),
    )
    op.create_table(
        "events",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _of_run("events"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("run_id", "number", name="uq_events_number"),
    )


def downgrade() -> None:
    for table in ("events", "observations", "probe_points", "probe_trials", "probe_runs"):
        op.drop_table(table)


def _of_run(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["run_id"], ["probe_runs.id"], name=f"fk_{table}_run_id_probe_runs", ondelete="CASCADE"
    )


def _runs() -> None:
    op.create_table(
        "probe_runs",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("project", sa.String(80), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("dataset_id", sa.String(40), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=True),
        sa.Column("budget_seconds", sa.Float(), nullable=False),
        sa.Column("charged_seconds", sa.Float(), nullable=False),
        sa.Column("in_flight_seconds", sa.Float(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.String(80), nullable=True),
        sa.Column("lease_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("now", sa.Text(), nullable=False),
        sa.Column("ranking", sa.JSON(), nullable=False),
        sa.Column("baselines", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("spent", sa.JSON(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=True),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("last_event", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_probe_runs"),
        sa.UniqueConstraint("project", "idempotency_key", name="uq_probe_runs_idempotency"),
    )
    op.create_index("ix_probe_runs_dataset_id", "probe_runs", ["dataset_id"])
    op.create_index("ix_probe_runs_queue", "probe_runs", ["status", "lease_expires_at"])


def _trials() -> None:
    op.create_table(
        "probe_trials",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(40), nullable=False),
        sa.Column("arm", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(300), nullable=False),
        sa.Column("strategy", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("peak_memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("transferability", sa.JSON(), nullable=False),
        _of_run("probe_trials"),
        sa.PrimaryKeyConstraint("id", name="pk_probe_trials"),
        sa.UniqueConstraint("run_id", "arm", name="uq_probe_trials_arm"),
    )
    op.create_table(
        "probe_points",
        sa.Column("id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("trial_id", ROW_ID, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("examples_seen", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("loss", sa.Float(), nullable=True),
        sa.Column("metric", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["trial_id"],
            ["probe_trials.id"],
            name="fk_probe_points_trial_id_probe_trials",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_probe_points"),
        sa.UniqueConstraint("trial_id", "step", name="uq_probe_points_step"),
    )
