"""The connection to PostgreSQL: what its errors mean, and no waiting for a server that has just not answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from collector_core import NotAvailable, Reason, SecretStr
from collector_core.storage import PostgresSession, StorageError, StorageReason, explain_postgres

if TYPE_CHECKING:
    from psycopg import Connection

EXTRA = "sites"
PAUSE_SECONDS = 1.0
RIGHTS = "CREATE ON DATABASE, or ALL ON SCHEMA sites,"
_REASONS = {
    Reason.UNREACHABLE: StorageReason.UNREACHABLE,
    Reason.TIMEOUT: StorageReason.UNREACHABLE,
    Reason.AUTH: StorageReason.REFUSED,
    Reason.PERMISSION: StorageReason.REFUSED,
    Reason.NOT_FOUND: StorageReason.REFUSED,
}
_BY_STATE = {"53100": StorageReason.DISK_FULL, "25006": StorageReason.READ_ONLY}
_FIXES = {
    StorageReason.DISK_FULL: "free up space on the disk of the database",
    StorageReason.READ_ONLY: "name the primary server in `database`",
}


class PostgresLink:
    """Transactions with a database, for one thread at a time; they raise `StorageError`.

    After a failure it is refused at once for a moment, so that many who ask do not each wait for `timeout` seconds.
    """

    def __init__(self, url: SecretStr, timeout: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._session = PostgresSession(url, timeout, extra=EXTRA)
        self._monotonic = monotonic
        self._trouble: tuple[float, StorageError] | None = None

    @property
    def address(self) -> str:
        """Where the database is, without user and password."""
        return self._session.address

    @property
    def connections(self) -> int:
        """How often it connected: another number means that it may be another database than before."""
        return self._session.connections

    @contextmanager
    def transaction(self, timeout: float | None = None, *, snapshot: bool = False) -> Iterator[Connection[Any]]:
        """A transaction that commits at the end, with `snapshot` over one state."""
        if self._trouble is not None and self._monotonic() < self._trouble[0]:
            raise self._trouble[1]
        try:
            self._session.require_driver()
        except NotAvailable as error:
            raise StorageError(self.address, StorageReason.REFUSED, error.detail, fix=error.fix) from None
        from psycopg import Error  # noqa: PLC0415 - large, and needed only where there is a database

        try:
            with self._session.transaction(timeout, snapshot=snapshot) as connection:
                yield connection
        except Error as error:
            found = self._explanation(error)
            if found.storage_reason is StorageReason.UNREACHABLE:
                self._trouble = (self._monotonic() + PAUSE_SECONDS, found)
            raise found from None
        self._trouble = None

    def close(self) -> None:
        """Disconnect; may be called any number of times."""
        self._trouble = None
        self._session.close()

    def _explanation(self, error: Any) -> StorageError:
        reason, fix = explain_postgres(error)
        found = _BY_STATE.get(error.sqlstate) or _REASONS.get(reason, StorageReason.FAILED)
        fix = _FIXES.get(found) or fix.format(rights=RIGHTS).replace("`url`", "`database`")
        return StorageError(self.address, found, self._session.text(error), fix=fix)
