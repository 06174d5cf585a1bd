"""Which process listens at a port, for the message of one that cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_LISTENING = "0A"  # in the fourth field of /proc/net/tcp


def port_holder(port: int, proc: Path = Path("/proc")) -> str:
    """`process 4711 (python3)`; empty where none listens or, as for other users' processes, it cannot be seen."""
    sockets = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _inodes(proc / "net" / table, port)}
    for process in sorted(proc.glob("[0-9]*")) if sockets else ():
        if sockets & set(_links(process / "fd")):
            return f"process {process.name} ({_read(process / 'comm').strip()})"
    return ""


def _inodes(table: Path, port: int) -> Iterator[str]:
    """The sockets that listen at a port, by the kernel's table of connections: proc_net_tcp(5)."""
    for line in _read(table).splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTENING and fields[1].endswith(f":{port:04X}"):
            yield fields[9]


def _links(folder: Path) -> Iterator[str]:
    try:
        yield from (str(link.readlink()) for link in folder.iterdir())
    except OSError:
        return  # it has ended, or is somebody else's


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
