"""How full the mounted file systems of Linux are."""

from __future__ import annotations

import os
import select
from pathlib import Path

from collector_core.procfs import KeptFile
from collector_plugins.system.filters import Filter, text
from collector_plugins.system.mounts import choose, parse
from collector_plugins.system.source import Filesystem
from collector_plugins.system.statvfs import FilesystemAnswers


class MountTable:
    """The chosen mounts, parsed again only when the kernel says that they changed."""

    def __init__(self, file: KeptFile, wanted: Filter, root: Path, answers: FilesystemAnswers) -> None:
        self._file = file
        self._answers = answers
        self._wanted = wanted
        self._root = os.fsencode(root).rstrip(b"/")
        self._contents = b""
        self._places: list[tuple[tuple[str, str], bytes, bool]] = []
        self._changes: select.poll | None = None

    def usage(self) -> dict[tuple[str, str], Filesystem | OSError]:
        """statvfs(3) of each; a mount point that cannot be seen from here is left out."""
        self._refresh()
        answers = self._answers.ask({path: may_hang for _, path, may_hang in self._places})
        found: dict[tuple[str, str], Filesystem | OSError] = {}
        for key, path, _ in self._places:
            answer = answers[path]
            if isinstance(answer, OSError):
                if not isinstance(answer, (FileNotFoundError, NotADirectoryError)):
                    found[key] = answer
            elif answer.f_blocks:
                found[key] = _filesystem(answer)
        return found

    def close(self) -> None:
        """Let go of the descriptor."""
        self._changes = None
        self._file.close()

    def _refresh(self) -> None:
        if self._changes and not self._changes.poll(0):
            return
        self._changes = None
        contents = self._read()
        if contents != self._contents:
            chosen = choose(parse(contents), self._wanted)
            self._places = [
                ((text(mount.point), mount.fstype), self._below_root(mount.point), mount.may_hang) for mount in chosen
            ]
            self._contents = contents
        self._watch()

    def _read(self) -> bytes:
        try:
            return self._file.read()
        except (FileNotFoundError, NotADirectoryError):
            return b""

    def _watch(self) -> None:
        """Proc(5): poll(2) reports POLLPRI on an open table of mounts once something was mounted or unmounted."""
        if self._file.descriptor is not None:
            self._changes = select.poll()
            self._changes.register(self._file.descriptor, select.POLLPRI)

    def _below_root(self, point: bytes) -> bytes:
        return b"%b/%b" % (self._root, point.lstrip(b"/"))


def _filesystem(status: os.statvfs_result) -> Filesystem:
    # btrfs and vfat have no table of inodes and report 0 of them.
    return Filesystem(
        status.f_blocks * status.f_frsize,
        status.f_bavail * status.f_frsize,
        status.f_files or None,
        status.f_favail if status.f_files else None,
        bool(status.f_flag & os.ST_RDONLY),
    )
