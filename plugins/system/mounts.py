"""Which file systems are mounted, and which of them to publish."""

from __future__ import annotations

import re
from typing import NamedTuple

from collector_plugins.system.filters import Filter, is_local, text

_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")


class Mount(NamedTuple):
    """One mounted file system; `point` is the path as the system knows it, not below any root."""

    device: str
    point: bytes
    fstype: str
    local: bool

    @property
    def may_hang(self) -> bool:
        """Whether a server or a program answers for it, which may be away."""
        return not self.local or self.fstype.startswith("fuse")


def parse(mounts: bytes) -> list[Mount]:
    r"""/proc/mounts (fstab(5)): device, mount point, type; space, tab, newline and backslash are octal, as `\040`.

    What was mounted over something else hides it. Raises `ValueError` where no line is one of such a table.
    """
    visible: dict[bytes, Mount] = {}
    for line in mounts.split(b"\n"):
        device, *others = line.split(b" ", 3)
        if len(others) == 3:
            mount = _mount(text(_unescape(device)), _unescape(others[0]), text(others[1]))
            visible[mount.point] = mount
    if mounts and not visible:
        raise ValueError("/proc/mounts: not a table of mounts")
    return list(visible.values())


def choose(mounts: list[Mount], wanted: Filter) -> list[Mount]:
    """Those to publish: wanted, local (or `/`, or included by name), and each device only once."""
    chosen: dict[str | bytes, Mount] = {}
    for mount in mounts:
        if wanted.wants(text(mount.point), ordinary=mount.local or mount.point == b"/"):
            chosen.setdefault(mount.device if mount.device.startswith("/") else mount.point, mount)
    return list(chosen.values())


def _mount(device: str, point: bytes, fstype: str) -> Mount:
    return Mount(device, point, fstype, is_local(device, fstype))


def _unescape(field: bytes) -> bytes:
    return _OCTAL.sub(lambda match: bytes([int(match[1], 8)]), field) if b"\\" in field else field
