"""What PostgreSQL's errors mean: what to do, and whether it passes. Nothing in the texts is secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from collector_core import NotAvailable
from collector_core.storage import PostgresSession, explain_postgres

ONE_ROW_ONLY = ("22", "23")  # classes of SQLSTATE: data exceptions and violated constraints
OF_THE_TABLE = ("23502",)  # a column of the table's own must not be null: every row is refused alike


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


def is_of_one_row(error: Any) -> bool:
    """Whether the row is at fault, so that no other try will help, and not its table or the server.

    A partition that is missing is reported as a violated check, but one without a name.
    """
    state = error.sqlstate or ONE_ROW_ONLY[0]  # psycopg itself refuses a NUL in a text
    is_missing_partition = state == "23514" and not error.diag.constraint_name
    return state.startswith(ONE_ROW_ONLY) and state not in OF_THE_TABLE and not is_missing_partition
