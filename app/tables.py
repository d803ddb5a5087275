"""The tables of recommendations."""

import datetime as dt

from sqlalchemy import Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from models_registry.columns import UtcDateTime
from models_registry.orm import Base


class RecommendationRow(Base):
    """One answer. Its id follows from the request, the language, the database version and the answer.

    Attributes:
        document: The body, compressed JSON.
        excluded: All models that were left out: `Exclusions.packed`, which `model_list` puts in words, or
            JSON where there is none.
        model_list: The models there were.
    """

    __tablename__ = "recommendations"
    __table_args__ = (Index("ix_recommendations_created_at", "created_at"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    database_version: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(8))
    document: Mapped[bytes] = mapped_column(LargeBinary)
    excluded: Mapped[bytes] = mapped_column(LargeBinary)
    model_list: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)


class ModelListRow(Base):
    """The models of one state of the catalogue, as the exclusions of its answers name them.

    Attributes:
        version: Of the catalogue.
        words: Compressed JSON.
    """

    __tablename__ = "model_lists"

    version: Mapped[str] = mapped_column(String(40), primary_key=True)
    words: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
