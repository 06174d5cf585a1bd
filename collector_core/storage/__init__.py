"""Files on disk: atomic writes, and SQLite databases that recover by themselves."""

from typing import TYPE_CHECKING, Any

from collector_core.storage.atomic_file import (
    AtomicFile,
    append_private,
    count_set_aside,
    private_folder,
    read_bounded,
    set_aside,
    write_atomically,
)
from collector_core.storage.document import parse_document
from collector_core.storage.errors import StorageError, StorageReason, storage_error

if TYPE_CHECKING:
    from collector_core.storage.schema import Schema
    from collector_core.storage.sqlite import Database

__all__ = [
    "AtomicFile",
    "Database",
    "Schema",
    "StorageError",
    "StorageReason",
    "append_private",
    "count_set_aside",
    "parse_document",
    "private_folder",
    "read_bounded",
    "set_aside",
    "storage_error",
    "write_atomically",
]

_DATABASE = {"Database": "sqlite", "Schema": "schema"}


def __getattr__(name: str) -> Any:
    """Import databases on demand: most collectors need none."""
    if name not in _DATABASE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - together with what it imports

    return getattr(import_module(f"collector_core.storage.{_DATABASE[name]}"), name)
