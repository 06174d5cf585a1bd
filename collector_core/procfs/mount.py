"""Whether a folder is the kernel's own file system or a copy of it."""

from __future__ import annotations

from pathlib import Path

_ROOT_INODE = 1


def is_kernel_mount(mount: Path) -> bool:
    """Whether `/proc` or `/sys` is the kernel's own file system, whose files answer anew to every read.

    Both number their root directory 1. A fixture tree is a plain folder, whose files may be replaced by others:
    a descriptor kept open would show the replaced one for ever.
    """
    try:
        return mount.is_mount() and mount.stat().st_ino == _ROOT_INODE
    except OSError:
        return False
