"""Atomic file writes and bounded reads."""

from __future__ import annotations

import errno
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from collector_core.storage.posix import HAS_LOCKS, NO_FOLLOW, NO_WAIT, PRIVATE, lock, set_mode, sync_file, sync_folder

FILE_MODE = 0o600
FOLDER_MODE = 0o700
SUFFIX = ".new"


class AtomicFile:
    """A file that is written in pieces and replaces `path` as a whole.

    Until `commit`, and after any failure, the previous file stays untouched. As a context manager it commits at the end
    of the block and discards if the block raises. Temporary files of killed processes are removed by the next write to
    the same path. A symbolic link at `path` is replaced, not followed. `mode` applies regardless of the umask. What is
    not `durable` survives the end of this process, but may be lost with the power. `suffix` is what the name of the
    temporary file ends with. All methods except `discard` raise `OSError`.
    """

    def __init__(self, path: Path, *, mode: int = FILE_MODE, durable: bool = True, suffix: str = SUFFIX) -> None:
        self.path = path
        self._durable = durable
        self.temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}{suffix}")
        _remove_abandoned(path, suffix)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW | PRIVATE
        self._stream = os.fdopen(os.open(self.temporary, flags, FILE_MODE), "wb")
        try:
            with suppress(OSError):  # no locks on this file system: then nothing is ever considered abandoned
                lock(self._stream.fileno())
            set_mode(self._stream.fileno(), mode)
        except BaseException:
            self.discard()
            raise

    def write(self, content: str | bytes) -> None:
        """Append bytes, or text encoded as UTF-8."""
        with _naming(self.path):
            self._stream.write(content.encode() if isinstance(content, str) else content)

    def commit(self) -> None:
        """Replace `path`; a durable file is on the disk when this returns."""
        try:
            with _naming(self.path):
                self._finish()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Drop what was written and keep the previous file; may be called any number of times."""
        with suppress(OSError):  # closing flushes, which fails again on a full disk
            self._stream.close()
        with suppress(OSError):
            self.temporary.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.discard()

    def _finish(self) -> None:
        self._stream.flush()
        if self._durable:
            sync_file(self._stream.fileno())
        if not HAS_LOCKS:
            self._stream.close()  # Windows renames no file that is open
        self.temporary.replace(self.path)
        self._stream.close()
        if self._durable:
            sync_folder(self.path.parent)


def write_atomically(
    path: Path, content: str | bytes, *, mode: int = FILE_MODE, durable: bool = True, suffix: str = SUFFIX
) -> None:
    """Replace a file in one step, as `AtomicFile` does; raises `OSError` and then keeps the previous file."""
    with AtomicFile(path, mode=mode, durable=durable, suffix=suffix) as file:
        file.write(content)


def append_private(path: Path, content: str | bytes) -> None:
    """Append to a regular file with mode 0600, which is created if it does not exist.

    Raises `OSError`, also if the path is a symbolic link, a pipe or a device.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | NO_FOLLOW | NO_WAIT | PRIVATE
    with os.fdopen(os.open(path, flags, FILE_MODE), "ab") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with suppress(PermissionError):  # owned by another user who lets us write it
            set_mode(stream.fileno(), FILE_MODE)
        stream.write(content.encode() if isinstance(content, str) else content)


def read_bounded(path: Path, max_bytes: int, *, follow_symlinks: bool = False) -> bytes:
    """Read a regular file of at most `max_bytes`; never blocks on pipes or devices.

    Raises `ValueError` if the file is larger, and `OSError` if it cannot be read, is not a regular file, or is a
    symbolic link and `follow_symlinks` is not set.
    """
    extra = NO_WAIT | PRIVATE | (0 if follow_symlinks else NO_FOLLOW)
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | extra)) as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ValueError(f"larger than {max_bytes} bytes")
    return content


def private_folder(folder: Path) -> None:
    """Create a folder with mode 0700, and its parents; an existing one keeps its mode. Raises `OSError`."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def shared_folder(folder: Path) -> None:
    """Create a folder for files that other programs read, and its parents, unless it is there.

    Raises `OSError`, also where no file can be made in it.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "it is not a folder", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "it cannot be written", str(folder))


def set_aside(path: Path, why: str = "corrupt", *, with_suffixes: Sequence[str] = ()) -> Path:
    """Rename a file to `NAME.WHY-TIME` (UTC), never over an existing file; returns the new path. Raises `OSError`.

    Companion files, named like it with one of `with_suffixes` appended, are renamed first, so that a new file never
    inherits them.
    """
    stem = f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    aside, number = path.with_name(stem), 1
    while os.path.lexists(aside):
        number += 1
        aside = path.with_name(f"{stem}-{number}")
    for suffix in with_suffixes:
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    sync_folder(path.parent)
    return aside


def count_set_aside(path: Path, *why: str) -> int:
    """How many copies of a file `set_aside` has left beside it for one of these reasons; 0 if nobody may look."""
    marks = tuple(f"{path.name}.{each}-" for each in why or ("corrupt",))
    ours = re.compile(r"\d{8}T\d{6}Z(-\d+)?")  # and none of their companions
    try:
        names = os.listdir(path.parent)  # noqa: PTH208 - names are all that is needed
    except OSError:
        return 0
    return sum(any(name.startswith(mark) and ours.fullmatch(name[len(mark) :]) for mark in marks) for name in names)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Have errors of a block say which file they are about."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def _remove_abandoned(path: Path, suffix: str) -> None:
    """Remove temporary files of killed processes: a live process holds a lock on its own."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}{re.escape(suffix)}")
    with os.scandir(path.parent) as entries:
        left = [each.path for each in entries if ours.fullmatch(each.name)]
    for name in left:
        with suppress(OSError):
            descriptor = os.open(name, os.O_RDONLY | NO_FOLLOW | NO_WAIT | PRIVATE)
            try:
                lock(descriptor)
                os.unlink(name)  # noqa: PTH108 - a name of scandir
            finally:
                os.close(descriptor)
