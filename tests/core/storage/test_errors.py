"""Every refusal becomes one of a few words, which metrics carry."""

import errno
from pathlib import Path

import pytest

from collector_core import NotAvailable, Reason, reason_of
from collector_core.errors import explain
from collector_core.storage import StorageError, StorageReason, storage_error

PATH = Path("folder/file")


def test_the_words_stay_as_they_are():
    assert {reason.value for reason in StorageReason} == {
        "disk_full", "read_only", "corrupt", "newer_schema", "locked", "unreachable", "refused", "failed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, StorageReason.DISK_FULL),
        (errno.EDQUOT, StorageReason.DISK_FULL),
        (errno.EFBIG, StorageReason.DISK_FULL),
        (errno.EACCES, StorageReason.READ_ONLY),
        (errno.EROFS, StorageReason.READ_ONLY),
        (errno.ELOOP, StorageReason.READ_ONLY),
        (errno.ENOTDIR, StorageReason.READ_ONLY),
        (errno.EIO, StorageReason.FAILED),
        (errno.EMFILE, StorageReason.FAILED),
    ],
)
def test_what_the_operating_system_says(number, reason):
    error = storage_error(PATH, OSError(number, "the text"))
    assert error.storage_reason is reason
    assert str(error) == "folder/file: the text"
    assert error.path == PATH


@pytest.mark.parametrize(
    ("number", "fix"), [(errno.ENOSPC, "free up space"), (errno.EDQUOT, "free up space"), (errno.EROFS, "make it wri")]
)
def test_an_error_of_the_disk_has_a_fix_where_nobody_has_given_one(number, fix):
    error = OSError(number, "the text", "folder/file")
    assert explain(error).startswith(f"OSError: [Errno {number}] the text: 'folder/file'; fix: {fix}")
    assert reason_of(error) is Reason.PERMISSION


def test_an_error_without_a_number_says_its_text():
    error = storage_error(PATH, OSError("only a text"))
    assert error.storage_reason is StorageReason.FAILED
    assert str(error) == "folder/file: only a text"


@pytest.mark.parametrize(
    ("storage_reason", "reason", "fix"),
    [
        (StorageReason.DISK_FULL, Reason.PERMISSION, "free up space"),
        (StorageReason.READ_ONLY, Reason.PERMISSION, "make it writable"),
        (StorageReason.CORRUPT, Reason.BAD_DATA, "move the file away"),
        (StorageReason.NEWER_SCHEMA, Reason.NOT_SUPPORTED, "pip install --upgrade"),
        (StorageReason.LOCKED, Reason.PERMISSION, "stop the other process"),
        (StorageReason.FAILED, Reason.BAD_DATA, "check its disk"),
    ],
)
def test_a_collector_may_let_it_pass(storage_reason, reason, fix):
    error = StorageError(PATH, storage_reason, "text")
    assert isinstance(error, NotAvailable)
    assert error.reason is reason
    assert error.fix.startswith(fix)
