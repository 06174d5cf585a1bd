"""What PostgreSQL's errors mean: what to do, and whether it passes. Nothing in the texts is secret."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from collector_core import NotAvailable, Reason
from collector_plugins.timeline.config import Config

INSTALL = "pip install 'energy-collector[timeline]'"
HIDDEN = "<secret>"
ONE_ROW_ONLY = ("22", "23")  # classes of SQLSTATE: data exceptions and violated constraints
OF_THE_TABLE = ("23502",)  # a column of the table's own must not be null: every row is refused alike


class Failures:
    """Explains what is raised while one table is used, with the address and without the password."""

    def __init__(self, config: Config) -> None:
        address = urlsplit(config.url.get_secret_value())
        self._table = config.table
        self._secrets = _passwords(address)
        self.address = f"{address.netloc.rpartition('@')[2] or 'localhost'}{address.path}"

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn psycopg's errors into `NotAvailable`."""
        try:
            import psycopg  # noqa: PLC0415 - large, and needed only where rows are written
        except ImportError as error:
            raise NotAvailable(Reason.NOT_FOUND, f"psycopg cannot be imported: {error}", fix=INSTALL) from None
        try:
            yield
        except psycopg.Error as error:
            raise self._explanation(error) from None

    def text(self, error: BaseException) -> str:
        """The error's words in one line."""
        diagnosis = getattr(error, "diag", None)
        text = getattr(diagnosis, "message_primary", None) or str(error)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return " ".join(text.split())

    def _explanation(self, error: Any) -> NotAvailable:
        reason, fix = _reason(error.sqlstate, str(error))
        if error.sqlstate == "42P01":
            return NotAvailable(reason, f'{self.address}: table "{self._table}" does not exist', fix=fix)
        return NotAvailable(reason, f"{self.address}: {self.text(error)}", fix=fix.format(table=self._table))


_BY_STATE = {
    "42P01": (Reason.NOT_FOUND, "create it, or set `create: true`"),
    "42703": (Reason.NOT_FOUND, "name the table's columns in `columns`"),
    "3D000": (Reason.NOT_FOUND, "create the database, or correct `url`"),
    "42501": (Reason.PERMISSION, "GRANT SELECT, INSERT ON {table} TO the user of `url`"),
    "25006": (Reason.PERMISSION, "name the primary server in `url`"),
    "28P01": (Reason.AUTH, "correct user and password in `url`"),
    "28000": (Reason.AUTH, "allow the user of `url` in pg_hba.conf"),
    "57014": (Reason.TIMEOUT, ""),
    "55P03": (Reason.TIMEOUT, ""),
}
_BY_WORDS = {  # libpq gives no SQLSTATE for what fails before there is a session
    "password authentication failed": _BY_STATE["28P01"],
    "no password supplied": _BY_STATE["28P01"],
    "pg_hba.conf": _BY_STATE["28000"],
    "timeout expired": _BY_STATE["57014"],
}


def _reason(state: str | None, text: str) -> tuple[Reason, str]:
    if state in _BY_STATE:
        return _BY_STATE[state]
    if state is None or state.startswith(("08", "53", "57")):
        return next((found for words, found in _BY_WORDS.items() if words in text), (Reason.UNREACHABLE, ""))
    return Reason.BAD_DATA, ""


def is_of_one_row(error: Any) -> bool:
    """Whether the row is at fault, so that no other try will help, and not its table or the server.

    A partition that is missing is reported as a violated check, but one without a name.
    """
    state = error.sqlstate or ONE_ROW_ONLY[0]  # psycopg itself refuses a NUL in a text
    is_missing_partition = state == "23514" and not error.diag.constraint_name
    return state.startswith(ONE_ROW_ONLY) and state not in OF_THE_TABLE and not is_missing_partition


def _passwords(address: SplitResult) -> list[str]:
    """The passwords of an address in both spellings, longest first."""
    written = [address.netloc.rpartition("@")[0].partition(":")[2]]
    pairs = (pair.partition("=") for pair in address.query.split("&"))
    written += [value for name, _, value in pairs if "password" in name]
    return sorted({*written, *map(unquote, written)} - {""}, key=len, reverse=True)
