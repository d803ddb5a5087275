"""The table of recommendations."""

import datetime as dt

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models_registry.columns import UtcDateTime
from models_registry.orm import Base


class RecommendationRow(Base):
    """One answer. Its id follows from the request, the language, the database version and the answer."""

    __tablename__ = "recommendations"
    __table_args__ = (Index("ix_recommendations_created_at", "created_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    database_version: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(8))
    document: Mapped[str] = mapped_column(Text)
    excluded: Mapped[str] = mapped_column(Text)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
