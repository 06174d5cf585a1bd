"""What PostgreSQL's errors mean for the history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from collector_core.errors import Reason
from collector_core.storage.errors import StorageError, StorageReason
from collector_core.storage.postgres import PostgresSession, explain_postgres

_BY_STATE = {"53100": StorageReason.DISK_FULL, "25006": StorageReason.READ_ONLY}
_BY_REASON = {
    Reason.UNREACHABLE: StorageReason.UNREACHABLE,
    Reason.TIMEOUT: StorageReason.UNREACHABLE,
    Reason.AUTH: StorageReason.REFUSED,
    Reason.PERMISSION: StorageReason.REFUSED,
    Reason.NOT_FOUND: StorageReason.REFUSED,
}
_FIXES = {
    StorageReason.DISK_FULL: "free up space on the disk of the database",
    StorageReason.READ_ONLY: "name the primary server in `history.store`",
}
RIGHTS = "CREATE ON DATABASE, or ALL ON SCHEMA,"


@contextmanager
def explained(session: PostgresSession) -> Iterator[None]:
    """Turn psycopg's errors into `StorageError`; raises `NotAvailable` where psycopg is missing."""
    session.require_driver()
    from psycopg import Error

    try:
        yield
    except Error as error:
        raise _explanation(session, error) from None


def _explanation(session: PostgresSession, error: Any) -> StorageError:
    reason, fix = explain_postgres(error)
    found = _BY_STATE.get(error.sqlstate) or _BY_REASON.get(reason, StorageReason.FAILED)
    fix = _FIXES.get(found) or fix.format(rights=RIGHTS).replace("`url`", "`history.store`")
    return StorageError(session.address, found, session.text(error), fix=fix)
