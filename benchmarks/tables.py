"""Database tables of benchmarks and figures."""

import datetime as dt

from sqlalchemy import JSON, BigInteger, Date, Float, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models_registry.orm import Base

# SQLite numbers rows by itself only in a column that is exactly INTEGER.
_ROW_ID = BigInteger().with_variant(Integer, "sqlite")


class BenchmarkRow(Base):
    """A reviewed benchmark; metadata only, so a new review replaces the old one."""

    __tablename__ = "benchmarks"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    task_type: Mapped[str] = mapped_column(String(64), index=True)
    modality: Mapped[str] = mapped_column(String(32))
    languages: Mapped[list[str]] = mapped_column(JSON)
    domain: Mapped[str] = mapped_column(String(64))
    metric: Mapped[str] = mapped_column(String(64))
    n_classes: Mapped[int | None]
    n_train: Mapped[int | None]
    suite: Mapped[str] = mapped_column(String(64))
    dataset: Mapped[str] = mapped_column(String(200))
    shifted_from: Mapped[str] = mapped_column(String(200))
    aliases: Mapped[list[str]] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(Text)


class FigureRow(Base):
    """One measured number; append-only, a correction supersedes.

    `benchmark` is no foreign key: a probe's figure is measured on the caller's own data, which no
    reviewed benchmark describes. Numbers of rows are never used again (`sqlite_autoincrement`), since
    the version of the database is read off them.
    """

    __tablename__ = "figures"
    __table_args__ = (
        Index("ix_figures_model", "model"),
        Index("ix_figures_benchmark", "benchmark"),
        Index("ix_figures_dataset_sha256", "dataset_sha256"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_ROW_ID, primary_key=True, autoincrement=True)
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    model: Mapped[str] = mapped_column(String(300))
    benchmark: Mapped[str] = mapped_column(String(200))
    metric: Mapped[str] = mapped_column(String(64))
    value: Mapped[float] = mapped_column(Float(53))
    protocol: Mapped[str] = mapped_column(String(32))
    split: Mapped[str] = mapped_column(String(32))
    std_error: Mapped[float | None] = mapped_column(Float(53))
    n_test: Mapped[int | None]
    source: Mapped[str] = mapped_column(Text)
    as_of: Mapped[dt.date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(String(16))
    dataset_sha256: Mapped[str | None] = mapped_column(String(64))
    project: Mapped[str | None] = mapped_column(String(200))
    run_id: Mapped[str | None] = mapped_column(String(64))
    superseded_by: Mapped[int | None] = mapped_column(_ROW_ID, ForeignKey("figures.id", ondelete="SET NULL"))


class ImportRow(Base):
    """How far a file has been imported, by its contents: an interrupted import goes on from there."""

    __tablename__ = "imports"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    n_read: Mapped[int] = mapped_column(BigInteger)
    is_finished: Mapped[bool]
