"""Storage errors, with a bounded vocabulary of reasons."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from collector_core.errors import FREE_SPACE, MAKE_WRITABLE, NotAvailable, Reason


class StorageReason(StrEnum):
    """Why a file or database cannot be used; the values are suitable as label values."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    CORRUPT = "corrupt"
    NEWER_SCHEMA = "newer_schema"
    LOCKED = "locked"
    UNREACHABLE = "unreachable"
    """The database does not answer."""
    REFUSED = "refused"
    """The database refuses the user, or what it is asked to do."""
    FAILED = "failed"
    """Anything else, such as I/O errors of the disk."""


_FIXES = {
    StorageReason.DISK_FULL: FREE_SPACE,
    StorageReason.READ_ONLY: MAKE_WRITABLE,
    StorageReason.CORRUPT: "move the file away; a new one is then created",
    StorageReason.NEWER_SCHEMA: "pip install --upgrade energy-collector",
    StorageReason.LOCKED: "stop the other process, or configure another location for this one",
    StorageReason.UNREACHABLE: "start it, or correct its address",
    StorageReason.REFUSED: "correct user and password, or grant what is missing",
    StorageReason.FAILED: "check its disk",
}

_PLUGIN_REASONS = {
    StorageReason.CORRUPT: Reason.BAD_DATA,
    StorageReason.NEWER_SCHEMA: Reason.NOT_SUPPORTED,
    StorageReason.UNREACHABLE: Reason.UNREACHABLE,
    StorageReason.REFUSED: Reason.AUTH,
    StorageReason.FAILED: Reason.BAD_DATA,
}

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BROKEN_DISK = frozenset({errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class StorageError(NotAvailable):
    """A file or database cannot be used; `storage_reason` says why, `fix` what to do.

    It is a `NotAvailable`, so a collector may let it propagate.
    """

    def __init__(self, place: Path | str, reason: StorageReason, detail: str, *, fix: str = "") -> None:
        self.path = place
        self.storage_reason = reason
        super().__init__(
            _PLUGIN_REASONS.get(reason, Reason.PERMISSION), f"{place}: {detail}", fix=fix or _FIXES[reason]
        )


def storage_error(path: Path, error: OSError) -> StorageError:
    """The `StorageError` for an `OSError` on a file."""
    return StorageError(path, _reason(error.errno), error.strerror or str(error))


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Raise the `StorageError` for an `OSError` of a block that works on a file or folder."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def _reason(number: int | None) -> StorageReason:
    if number in _FULL:
        return StorageReason.DISK_FULL
    return StorageReason.FAILED if number is None or number in _BROKEN_DISK else StorageReason.READ_ONLY
