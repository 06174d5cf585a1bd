"""Connections to PostgreSQL that hang for nobody, and what their errors mean; no secret is in any text."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from collector_core.errors import NotAvailable, Reason

if TYPE_CHECKING:
    from psycopg import Connection

HIDDEN = "<secret>"
MAX_IDENTIFIER_BYTES = 63  # PostgreSQL cuts off what is longer
LEAST_CONNECT_SECONDS = 2
_BAD_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_LIMITS = "SELECT " + ", ".join(
    f"set_config('{name}', %s, true)"
    for name in ("statement_timeout", "idle_in_transaction_session_timeout", "timezone", "client_encoding")
)


def check_postgres_url(url: SecretStr) -> SecretStr:
    """The address of a database, as it was given; raises `ValueError`, without the address, where it is none."""
    text = url.get_secret_value()
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("begins with postgresql://")
    try:
        login = urlsplit(text).netloc.rpartition("@")[0]
    except ValueError:
        raise ValueError("is not an address") from None
    if "@" in login or _BAD_PERCENT.search(login):
        raise ValueError("write special characters of user and password as %40, %25, %2F and so on")
    return url


def check_postgres_name(name: str) -> str:
    """The name of something in a database; raises `ValueError` where it cannot be one."""
    if not name or "\0" in name or len(name.encode()) > MAX_IDENTIFIER_BYTES:
        raise ValueError(f"is not a name in PostgreSQL: 1 to {MAX_IDENTIFIER_BYTES} bytes")
    return name


def quote_postgres_name(name: str) -> str:
    """A name, taken literally."""
    return '"' + name.replace('"', '""') + '"'


class PostgresSession:
    """A connection to one database, made when it is needed and again after a failure; for one thread at a time.

    Whatever the server does, `transaction` ends within about `timeout` seconds, or a few more if it has to connect.
    `address` is where the database is, without user and password. `extra` names the extra that brings psycopg.
    `connections` is how often it connected: another number means that it may be another database than before.
    """

    def __init__(self, url: SecretStr, timeout: float, *, extra: str) -> None:
        parts = urlsplit(url.get_secret_value())
        self._connection: Connection[Any] | None = None
        self.connections = 0
        self.address = f"{parts.netloc.rpartition('@')[2] or 'localhost'}{parts.path}"
        self._url = url
        self._secrets = _passwords(parts)
        self._timeout = timeout
        self._extra = extra

    @contextmanager
    def transaction(self, timeout: float | None = None, *, snapshot: bool = False) -> Iterator[Connection[Any]]:
        """A transaction that commits at the end, with `snapshot` over one state; raises the exceptions of psycopg."""
        from psycopg import OperationalError  # noqa: PLC0415 - large, and needed only where there is a database

        seconds = timeout or self._timeout
        connection = self._connected()
        limit = str(round(seconds * 1000))
        try:
            with _deadline(connection, seconds), connection.transaction():
                if snapshot:
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                connection.execute(_LIMITS, (limit, limit, "UTC", "UTF8"))
                yield connection
        except OperationalError:
            self.close()
            raise

    def execute(self, statement: str, timeout: float) -> None:
        """Run a statement outside of a transaction."""
        connection = self._connected()
        with _deadline(connection, timeout):
            connection.execute(statement)

    def close(self) -> None:
        """Disconnect; may be called any number of times."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def __del__(self) -> None:
        """Disconnect where the thread that used it is gone."""
        self.close()

    def cut(self) -> None:
        """Let whoever waits for the server find the connection closed; safe to call from any thread."""
        connection = self._connection
        if connection is not None:
            _cut(connection)

    def require_driver(self) -> None:
        """Raise `NotAvailable` where psycopg cannot be imported."""
        try:
            import psycopg  # noqa: F401, PLC0415
        except ImportError as error:
            fix = f"pip install 'energy-collector[{self._extra}]'"
            raise NotAvailable(Reason.NOT_FOUND, f"psycopg cannot be imported: {error}", fix=fix) from None

    def text(self, error: BaseException) -> str:
        """The error's words in one line."""
        diagnosis = getattr(error, "diag", None)
        text = getattr(diagnosis, "message_primary", None) or str(error)
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return " ".join(text.split())

    def _connected(self) -> Connection[Any]:
        """The connection, a new one if the last has died."""
        import psycopg  # noqa: PLC0415

        if self._connection is not None:
            with suppress(psycopg.Error), _deadline(self._connection, self._timeout):
                self._connection.execute("SELECT 1")
                return self._connection
            self.close()
        self._connection = psycopg.connect(
            self._url.get_secret_value(),
            autocommit=True,
            application_name="energy-collector",
            connect_timeout=max(LEAST_CONNECT_SECONDS, round(self._timeout)),
            prepare_threshold=None,  # a pooler may give each transaction another session
        )
        self.connections += 1
        return self._connection


def is_refused_row(error: Any) -> bool:
    """Whether a row is at fault, so that no other try will help, and not its table or the server.

    A partition that is missing is reported as a violated check, but one without a name.
    """
    state = error.sqlstate or _OF_ONE_ROW[0]  # psycopg itself refuses a NUL in a text
    is_missing_partition = state == "23514" and not error.diag.constraint_name
    return state.startswith(_OF_ONE_ROW) and state not in _OF_THE_TABLE and not is_missing_partition


_OF_ONE_ROW = ("22", "23", "54000")  # data exceptions, violated constraints, and what is too large for an index
_OF_THE_TABLE = ("23502",)  # a column of the table's own must not be null: every row is refused alike


def explain_postgres(error: Any) -> tuple[Reason, str]:
    """Why psycopg raised this, and what to do; `{rights}` in that stands for what is to be granted."""
    state: str | None = error.sqlstate
    if state in _BY_STATE:
        return _BY_STATE[state]
    if state is None or state.startswith(("08", "53", "57")):
        return next((found for words, found in _BY_WORDS.items() if words in str(error)), (Reason.UNREACHABLE, ""))
    return Reason.BAD_DATA, ""


_BY_STATE = {
    "42P01": (Reason.NOT_FOUND, "create it, or set `create: true`"),
    "42703": (Reason.NOT_FOUND, "name the table's columns in `columns`"),
    "3D000": (Reason.NOT_FOUND, "create the database, or correct `url`"),
    "42501": (Reason.PERMISSION, "GRANT {rights} TO the user of `url`"),
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
    "does not exist": _BY_STATE["3D000"],
    "timeout expired": _BY_STATE["57014"],
}


@contextmanager
def _deadline(connection: Connection[Any], seconds: float) -> Iterator[None]:
    """Cut the connection unless the block ends in time: a server that is frozen never answers."""
    timer = threading.Timer(seconds, _cut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _cut(connection: Connection[Any]) -> None:
    from socket import SHUT_RDWR, socket  # noqa: PLC0415 - every start checks the options of a history, few have a database

    with suppress(Exception), socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(SHUT_RDWR)


def _passwords(address: SplitResult) -> list[str]:
    """The passwords of an address in both spellings, longest first."""
    written = [address.netloc.rpartition("@")[0].partition(":")[2]]
    pairs = (pair.partition("=") for pair in address.query.split("&"))
    written += [value for name, _, value in pairs if "password" in name]
    return sorted({*written, *map(unquote, written)} - {""}, key=len, reverse=True)
