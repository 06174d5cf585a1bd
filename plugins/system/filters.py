"""Which disks, mount points and network interfaces are published."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase

from collector_core import CollectorConfig, Field

# Container hosts invent interface names for as long as they run; what is known about a name can be found again.
MAX_REMEMBERED = 4096

_MAX_CHARACTERS = 1000  # a little less than a label may have; a path of the kernel's may have four times as many

# Disks in memory, in files and in drives without a medium, and those stacked on other disks (dm-*: LVM and LUKS,
# md*: RAID, zd*: ZFS volumes): their bytes are counted once more in the disks below.
ORDINARY_DISKS_EXCEPT = ("loop*", "ram*", "zram*", "dm-*", "md*", "bcache*", "zd*", "drbd*", "nbd*", "sr*", "fd*")

# Loopback, what containers and virtual machines create for themselves, and tunnels that exist without being used.
ORDINARY_INTERFACES_EXCEPT = (
    *("lo", "lo0", "Loopback*", "dummy*", "ifb*", "teql*"),
    *("veth*", "docker*", "br-*", "podman*", "cni*", "flannel*", "cali*", "cilium*", "lxc*", "lxd*", "kube-*"),
    *("virbr*", "vnet*", "tap*", "fwbr*", "fwpr*", "fwln*"),
    *("sit*", "tunl*", "gre*", "erspan*", "ip6*", "ip_vti*", "gif*", "stf*", "awdl*", "llw*", "anpi*"),
)

# Container engines bind-mount single files and a folder per container, macOS one volume per purpose.
ORDINARY_MOUNTS_EXCEPT = (
    *("/dev", "/dev/*", "/proc", "/proc/*", "/sys", "/sys/*", "/run/credentials/*"),
    *("/etc/hostname", "/etc/hosts", "/etc/resolv.conf"),
    *("/var/lib/docker/*", "/var/lib/containers/*", "/var/lib/kubelet/*", "/snap/*", "/System/Volumes/*"),
)

_LOCAL_WITHOUT_DEVICE = frozenset({"zfs", "ubifs"})
_IMAGES = frozenset({"squashfs", "erofs", "iso9660", "udf", "cd9660"})


class Patterns(CollectorConfig):
    """Shell-style patterns (`*`, `?`, `[abc]`), matched against the whole name, with regard to case."""

    include: tuple[str, ...] = Field(default=(), description="What to publish; empty: everything except noise.")
    exclude: tuple[str, ...] = Field(default=(), description="What not to publish, even if it is included.")


class Filter:
    """Decides by name; `except_` is the built-in noise, left out as long as nothing is included explicitly."""

    def __init__(self, patterns: Patterns, except_: tuple[str, ...]) -> None:
        self._patterns = patterns
        self._except = except_

    def wants(self, name: str, *, ordinary: bool = True, noise: bool = False) -> bool:
        """Whether to publish `name`; what is not `ordinary` must be included by its full name, `noise` by a pattern."""
        if _matches(name, self._patterns.exclude):
            return False
        if name in self._patterns.include:
            return True
        if not ordinary:
            return False
        if self._patterns.include:
            return _matches(name, self._patterns.include)
        return not noise and not _matches(name, self._except)


class Labels(dict[bytes, str | None]):
    """The label of each raw name the kernel prints, None for those not wanted; decided once per name."""

    def __init__(self, wants: Callable[[str], bool]) -> None:
        super().__init__()
        self._wants = wants

    def __missing__(self, raw: bytes) -> str | None:
        name = text(raw)
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        self[raw] = label = name if self._wants(name) else None
        return label


def text(raw: bytes) -> str:
    r"""Bytes of the kernel as a label; what is not UTF-8 is written `\xff`, and of a very long one the end is taken."""
    label = raw.decode(errors="backslashreplace")
    return label if len(label) <= _MAX_CHARACTERS else f"…{label[-_MAX_CHARACTERS:]}"


def is_local(device: str, fstype: str) -> bool:
    """Whether a file system is on a disk of this machine, so that asking for its size cannot wait for a network.

    FUSE (except `fuseblk`) is not: a server may stand behind it. Images are always full and tell nothing.
    """
    if fstype in _IMAGES or fstype == "fuse" or fstype.startswith("fuse."):
        return False
    return device.startswith("/dev/") or fstype in _LOCAL_WITHOUT_DEVICE


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
