"""Why something cannot be kept, in bounded words."""

from __future__ import annotations

import errno
from enum import StrEnum
from pathlib import Path

from collector_core.errors import NotAvailable, Reason


class StorageReason(StrEnum):
    """Why a store cannot be used: a bounded word, fit for a label."""

    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    CORRUPT = "corrupt"
    NEWER_SCHEMA = "newer_schema"
    LOCKED = "locked"
    FAILED = "failed"
    """Anything else, such as a disk that answers with errors."""


_FIXES = {
    StorageReason.DISK_FULL: "free up space on its disk",
    StorageReason.READ_ONLY: "let this user write it, or name another place",
    StorageReason.CORRUPT: "move the file away; a new one is then created",
    StorageReason.NEWER_SCHEMA: "pip install --upgrade energy-collector",
    StorageReason.LOCKED: "stop the other process, or keep this one's files in another folder",
    StorageReason.FAILED: "check its disk",
}

_PLUGIN_REASONS = {
    StorageReason.CORRUPT: Reason.BAD_DATA,
    StorageReason.NEWER_SCHEMA: Reason.NOT_SUPPORTED,
    StorageReason.FAILED: Reason.BAD_DATA,
}

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BROKEN_DISK = frozenset({errno.EIO, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class StorageError(NotAvailable):
    """A file cannot be read or written; `storage_reason` says why in one word, `fix` what to do.

    As a `NotAvailable` it may leave a collector's methods as it is.
    """

    def __init__(self, path: Path, reason: StorageReason, detail: str) -> None:
        self.path = path
        self.storage_reason = reason
        super().__init__(_PLUGIN_REASONS.get(reason, Reason.PERMISSION), f"{path}: {detail}", fix=_FIXES[reason])


def storage_error(path: Path, error: OSError) -> StorageError:
    """What the operating system's refusal means for a file."""
    return StorageError(path, _reason(error.errno), error.strerror or str(error))


def _reason(number: int | None) -> StorageReason:
    if number in _FULL:
        return StorageReason.DISK_FULL
    return StorageReason.FAILED if number is None or number in _BROKEN_DISK else StorageReason.READ_ONLY
