"""What POSIX has for files and other systems lack: locks, modes, and flags to open with."""

from __future__ import annotations

import errno
import os
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

NO_FOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
# Not handed to programs that are started; bytes as they are, where there is another way.
PRIVATE: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
HAS_LOCKS = fcntl is not None


def lock(descriptor: int, *, shared: bool = False) -> None:
    """Lock a file until it is closed, by the owner's end too.

    Raises `BlockingIOError` where another one holds it, and another `OSError` where there are no locks.
    """
    if fcntl is None:
        raise OSError(errno.EOPNOTSUPP, "this platform has no locks of files")
    fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


def set_mode(descriptor: int, mode: int) -> None:
    """As `os.fchmod`, where files have modes. Raises `OSError`."""
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, mode)


def sync_file(descriptor: int) -> None:
    """Return once what was written is on the disk. Raises `OSError`."""
    os.fsync(descriptor)


def sync_folder(folder: os.PathLike[str]) -> None:
    """Make renames in a folder survive a power failure, if the file system supports it. Raises `OSError`."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | PRIVATE)
    try:
        sync_file(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)
