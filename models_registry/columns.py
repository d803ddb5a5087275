"""Column types that the tables of every room share."""

import datetime as dt

from sqlalchemy import DateTime, Dialect
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An instant: aware going in, aware and in UTC coming out, also where the database keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002
        """The same instant in UTC.

        Raises:
            ValueError: The value has no time zone, so it is no instant.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time zone is needed; this datetime is naive")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:  # noqa: ARG002
        """The instant as an aware datetime in UTC; SQLite gives the naive one that was bound."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)
