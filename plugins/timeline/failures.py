"""What PostgreSQL's errors mean: what to do, and whether it passes. Nothing in the texts is secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from collector_core import NotAvailable
from collector_core.storage import PostgresSession, explain_postgres


class Failures:
    """Explains what is raised while one table is used, with the address and without the password."""

    def __init__(self, table: str, session: PostgresSession) -> None:
        self._table = table
        self._session = session

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn psycopg's errors into `NotAvailable`."""
        self._session.require_driver()
        import psycopg  # noqa: PLC0415 - large, and needed only where rows are written

        try:
            yield
        except psycopg.Error as error:
            raise self._explanation(error) from None

    def _explanation(self, error: Any) -> NotAvailable:
        reason, fix = explain_postgres(error)
        address = self._session.address
        if error.sqlstate == "42P01":
            return NotAvailable(reason, f'{address}: table "{self._table}" does not exist', fix=fix)
        fix = fix.format(rights=f"SELECT, INSERT ON {self._table}")
        return NotAvailable(reason, f"{address}: {self._session.text(error)}", fix=fix)
