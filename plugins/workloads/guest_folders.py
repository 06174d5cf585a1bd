"""Tells guests their energy by files: one folder for each, which the host shares with that guest alone."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_READING = "reading.json"
_POWERCAP = ("sys", "class", "powercap")
_ZONES = {"cpu": ("intel-rapl:0", "package-0"), "dram": ("intel-rapl:0:0", "dram")}
_RANGE = (1 << 63) - 1  # microjoules: never reached
_MICROJOULES = 1e6
_PRIVATE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)  # which not every platform has
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _PRIVATE
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _PRIVATE
_MOST_CHARACTERS = 200


class GuestFolders:
    """Writes below `base`; a guest that may write to its folder cannot make this write, or remove, anything elsewhere.

    Folders stay when guests end, because a share keeps to the folder that it was given; files with numbers do not.
    """

    def __init__(self, base: Path) -> None:
        self._base = base
        self._written: set[str] = set()

    def write(self, name: str, reading: bytes, joules: Mapping[str, float]) -> None:
        """Replace the files of one guest; raises `OSError`, and `ValueError` for a name that is none of a folder."""
        _check_name(name)
        self._base.mkdir(parents=True, exist_ok=True)
        self._written.add(name)
        with _opened(str(self._base)) as base, _subfolder(base, name) as folder:
            _replace(folder, _READING, reading)
            with _subfolder(folder, *_POWERCAP) as powercap:
                for component in joules.keys() & _ZONES.keys():
                    path, zone_name = _ZONES[component]
                    with _subfolder(powercap, path) as zone:
                        _keep(zone, "name", f"{zone_name}\n".encode())
                        _keep(zone, "max_energy_range_uj", b"%d\n" % _RANGE)
                        _replace(zone, "energy_uj", b"%d\n" % round(joules[component] * _MICROJOULES))

    def keep_only(self, names: Collection[str]) -> None:
        """Remove the numbers of all other guests that were written."""
        for name in self._written - set(names):
            with suppress(OSError), _opened(str(self._base)) as base, _opened(name, base) as folder:
                _remove(folder, _READING)
                with _subfolder(folder, *_POWERCAP) as powercap:
                    for path, _ in _ZONES.values():
                        with suppress(OSError), _opened(path, powercap) as zone:
                            _remove(zone, "energy_uj")
        self._written &= set(names)


def _check_name(name: str) -> None:
    if not name or "/" in name or name.startswith(".") or not name.isprintable() or len(name) > _MOST_CHARACTERS:
        raise ValueError(f"{name!r} cannot be the name of a folder: give the guest another one")


@contextmanager
def _opened(path: str, above: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _FOLDER, dir_fd=above)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _subfolder(above: int, *parts: str) -> Iterator[int]:
    """A folder below another one, made where it is missing, for everybody to read; links are not followed."""
    is_new = False
    with suppress(FileExistsError):
        os.mkdir(parts[0], dir_fd=above)
        is_new = True
    with _opened(parts[0], above) as folder:
        if is_new:
            os.fchmod(folder, 0o755)  # whatever the umask
        if parts[1:]:
            with _subfolder(folder, *parts[1:]) as last:
                yield last
        else:
            yield folder


def _replace(folder: int, name: str, content: bytes) -> None:
    """As a whole: whoever reads meanwhile reads the old file."""
    new = f".{name}.new"
    _remove(folder, new)
    descriptor = os.open(new, _NEW_FILE, 0o644, dir_fd=folder)
    try:
        os.write(descriptor, content)
        os.fchmod(descriptor, 0o644)
    finally:
        os.close(descriptor)
    os.replace(new, name, src_dir_fd=folder, dst_dir_fd=folder)


def _keep(folder: int, name: str, content: bytes) -> None:
    """What never changes is written once."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        _replace(folder, name, content)


def _remove(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
