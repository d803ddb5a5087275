"""The table of models: what the catalogue ships and what users registered."""

import datetime as dt
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from models_registry.columns import UtcDateTime
from models_registry.orm import Base


class Origin(StrEnum):
    """Who stated a model's description."""

    CATALOGUE = "catalogue"
    USER = "user"


class ModelRow(Base):
    """One model. The columns beside `entry` repeat what queries filter by.

    Attributes:
        name: `hub:id@revision`.
        entry: The whole description, as `ModelEntry` dumps it.
        content_hash: SHA-256 of the description; tells whether it changed.
        created_at: When this description was stored.
    """

    __tablename__ = "models"
    __table_args__ = (
        CheckConstraint("origin IN ('catalogue', 'user')", name="origin_known"),
        Index("ix_models_hub_model_id", "hub", "model_id"),
        Index("ix_models_created_at", "created_at"),
    )

    name: Mapped[str] = mapped_column(String(320), primary_key=True)
    hub: Mapped[str] = mapped_column(String(32))
    model_id: Mapped[str] = mapped_column(String(200))
    revision: Mapped[str] = mapped_column(String(80))
    family: Mapped[str] = mapped_column(String(80), index=True)
    modality: Mapped[str] = mapped_column(String(32), index=True)
    n_parameters: Mapped[int] = mapped_column(BigInteger)
    licence: Mapped[str] = mapped_column(String(80))
    entry: Mapped[dict[str, Any]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    origin: Mapped[str] = mapped_column(String(16))
    content_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime())
