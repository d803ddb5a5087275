"""The table of data sets."""

import datetime as dt

from sqlalchemy import JSON, BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models_registry.columns import UtcDateTime
from models_registry.orm import Base


class DatasetRow(Base):
    """One stored data set; its examples are files."""

    __tablename__ = "datasets"
    __table_args__ = (Index("ix_datasets_project_created_at_id", "project", "created_at", "id"),)

    id: Mapped[str] = mapped_column(String(19), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(String(200))
    task_type: Mapped[str] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(String(64))
    n_examples: Mapped[int]
    n_bytes: Mapped[int] = mapped_column(BigInteger)
    file_format: Mapped[str] = mapped_column(String(16))
    encoding: Mapped[str | None] = mapped_column(String(16))
    columns: Mapped[dict[str, str]] = mapped_column(JSON)
    profile: Mapped[dict[str, object]] = mapped_column(JSON)
    warnings: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
