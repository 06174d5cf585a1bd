"""Files on disk: atomic writes, SQLite databases that recover by themselves; and connections to PostgreSQL."""

from typing import TYPE_CHECKING, Any

from collector_core.storage.atomic_file import (
    AtomicFile,
    append_private,
    count_set_aside,
    private_folder,
    read_bounded,
    set_aside,
    shared_folder,
    write_atomically,
)
from collector_core.storage.document import parse_document
from collector_core.storage.errors import StorageError, StorageReason, storage_error, storage_errors
from collector_core.storage.file_lock import FileLock

if TYPE_CHECKING:
    from collector_core.storage.postgres import (
        PostgresSession,
        check_postgres_name,
        check_postgres_url,
        explain_postgres,
        is_refused_row,
        quote_postgres_name,
    )
    from collector_core.storage.postgres_copy import copy_to_postgres, postgres_time
    from collector_core.storage.queue import DiskQueue
    from collector_core.storage.schema import Schema
    from collector_core.storage.sqlite import Database

__all__ = [
    "AtomicFile",
    "Database",
    "DiskQueue",
    "FileLock",
    "PostgresSession",
    "Schema",
    "StorageError",
    "StorageReason",
    "append_private",
    "check_postgres_name",
    "check_postgres_url",
    "copy_to_postgres",
    "count_set_aside",
    "explain_postgres",
    "is_refused_row",
    "parse_document",
    "postgres_time",
    "private_folder",
    "quote_postgres_name",
    "read_bounded",
    "set_aside",
    "shared_folder",
    "storage_error",
    "storage_errors",
    "write_atomically",
]

_ON_DEMAND = {
    "Database": "sqlite",
    "DiskQueue": "queue",
    "Schema": "schema",
    **dict.fromkeys(
        (
            "PostgresSession",
            "check_postgres_name",
            "check_postgres_url",
            "explain_postgres",
            "is_refused_row",
            "quote_postgres_name",
        ),
        "postgres",
    ),
    **dict.fromkeys(("copy_to_postgres", "postgres_time"), "postgres_copy"),
}


def __getattr__(name: str) -> Any:
    """Import databases on demand: most collectors need none."""
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - together with what it imports

    return getattr(import_module(f"collector_core.storage.{_ON_DEMAND[name]}"), name)
