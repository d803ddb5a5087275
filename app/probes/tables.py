"""Tables of probe runs: runs, trials, points, observations, events. Results are append-only."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models_registry.columns import UtcDateTime
from models_registry.orm import Base


class ProbeRunRow(Base):
    """One run. `attempt` is the fencing token: whoever writes must hold the newest."""

    __tablename__ = "probe_runs"
    __table_args__ = (
        Index("ix_probe_runs_queue", "status", "lease_expires_at"),
        UniqueConstraint("project", "idempotency_key", name="uq_probe_runs_idempotency"),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    project: Mapped[str] = mapped_column(String(80), default="default")
    status: Mapped[str] = mapped_column(String(16))
    dataset_id: Mapped[str] = mapped_column(String(40), index=True)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    plan: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    budget_seconds: Mapped[float] = mapped_column(Float)
    charged_seconds: Mapped[float] = mapped_column(Float, default=0.0)
    in_flight_seconds: Mapped[float] = mapped_column(Float, default=0.0)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    lease_owner: Mapped[str | None] = mapped_column(String(80))
    lease_expires_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    now: Mapped[str] = mapped_column(Text, default="")
    ranking: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    baselines: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    warnings: Mapped[list[str]] = mapped_column(JSON, default=list)
    spent: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    refit: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    review: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    decision: Mapped[str] = mapped_column(Text, default="")
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    body_sha256: Mapped[str] = mapped_column(String(64))
    last_event: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class ProbeTrialRow(Base):
    """One arm of a run."""

    __tablename__ = "probe_trials"
    __table_args__ = (UniqueConstraint("run_id", "arm", name="uq_probe_trials_arm"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    run_id: Mapped[str] = mapped_column(ForeignKey("probe_runs.id", ondelete="CASCADE"))
    arm: Mapped[int] = mapped_column(Integer)
    model: Mapped[str] = mapped_column(String(300))
    strategy: Mapped[str] = mapped_column(String(16))
    status: Mapped[str] = mapped_column(String(16))
    why: Mapped[str] = mapped_column(Text, default="")
    seconds: Mapped[float] = mapped_column(Float, default=0.0)
    peak_memory_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    transferability: Mapped[dict[str, float]] = mapped_column(JSON, default=dict)
    vocabulary: Mapped[dict[str, float | None] | None] = mapped_column(JSON)


class ProbePointRow(Base):
    """One point of a learning curve: what was known after a slice."""

    __tablename__ = "probe_points"
    __table_args__ = (UniqueConstraint("trial_id", "step", name="uq_probe_points_step"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    trial_id: Mapped[int] = mapped_column(ForeignKey("probe_trials.id", ondelete="CASCADE"))
    step: Mapped[int] = mapped_column(Integer)
    examples_seen: Mapped[int] = mapped_column(Integer)
    seconds: Mapped[float] = mapped_column(Float)
    loss: Mapped[float | None] = mapped_column(Float)
    metric: Mapped[float] = mapped_column(Float)


class ProbeRecordRow(Base):
    """What the scheduler was told, in order: replaying it brings a scheduler back to the same state."""

    __tablename__ = "observations"
    __table_args__ = (UniqueConstraint("run_id", "number", name="uq_observations_number"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    run_id: Mapped[str] = mapped_column(ForeignKey("probe_runs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    attempt: Mapped[int] = mapped_column(Integer)
    record: Mapped[dict[str, Any]] = mapped_column(JSON)


class RunEventRow(Base):
    """One event of a run's stream; numbers count per run and are given under the run's row lock."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("run_id", "number", name="uq_events_number"),)

    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    run_id: Mapped[str] = mapped_column(ForeignKey("probe_runs.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(16))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
