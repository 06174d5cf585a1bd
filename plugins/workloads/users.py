"""Names of users, by their numbers."""

from __future__ import annotations

from pathlib import Path

from collector_core.storage import read_bounded

_MOST_BYTES = 1 << 22


class Users:
    """Reads `/etc/passwd` below the configured root again when it has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._names: dict[str, str] = {}

    def name(self, uid: str) -> str:
        """The user's name; the number where nobody knows it."""
        return self._names.get(uid, uid)

    def refresh(self) -> None:
        """Read the file if it is another one than before; what cannot be read changes nothing."""
        try:
            stat = self._file.stat()
            stamp = stat.st_mtime_ns, stat.st_ino
            if stamp != self._stamp:
                self._names = _parse(read_bounded(self._file, _MOST_BYTES, follow_symlinks=True))
                self._stamp = stamp
        except (OSError, ValueError):
            return


def _parse(passwd: bytes) -> dict[str, str]:
    """passwd(5): `name:password:uid:…`; the first of several names counts, as it does for the C library."""
    names: dict[str, str] = {}
    for line in passwd.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) > 3 and fields[0] and not line.startswith(("#", "+", "-")):
            names.setdefault(fields[2], fields[0])
    return names
