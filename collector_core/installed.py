"""What distributions offer, read from their folders: importing `importlib.metadata` brings a hundred modules."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from typing import Any, NamedTuple

_METADATA = {".dist-info": "METADATA", ".egg-info": "PKG-INFO"}


class EntryPoint(NamedTuple):
    """A name under which a distribution offers something: `name = module:attribute`."""

    name: str
    value: str
    group: str
    distribution: str = ""
    version: str = ""

    @property
    def module(self) -> str:
        """The module that has it."""
        return self._place[0]

    def load(self) -> Any:
        """Import it; raises whatever the module does."""
        module, attribute = self._place
        return reduce(getattr, filter(None, attribute.split(".")), importlib.import_module(module))

    @property
    def _place(self) -> tuple[str, str]:
        module, _, attribute = self.value.partition("[")[0].partition(":")
        return module.strip(), attribute.strip()


def _log_damage(folder: str, error: Exception) -> None:
    import logging  # noqa: PLC0415 - takes longer than all the rest, and hardly anything is damaged

    logging.getLogger(__name__).error("the entry points in %s cannot be read: %s", folder, error)


def entry_points(group: str, *, report_damage: Callable[[str, Exception], None] = _log_damage) -> list[EntryPoint]:
    """All installed entry points of a group; a distribution whose own files are damaged is reported and left out."""
    found: list[EntryPoint] = []
    for folder in _metadata_folders():
        try:
            found += _entry_points_of(folder, group)
        except (OSError, ValueError) as error:  # anybody's files
            report_damage(folder, error)
    return [*found, *_archived(group)]


def installed_version(distribution: str) -> str:
    """The version of a distribution; raises `LookupError` where it is not installed."""
    wanted = distribution.replace("-", "_")
    for folder in _metadata_folders():
        if _key(folder) == wanted and (version := _identity(folder)[1]):
            return version
    raise LookupError(f"{distribution} is not installed")


def _metadata_folders() -> Iterator[str]:
    """Those of distributions in the folders of `sys.path`; of two of one name the one that comes first."""
    seen: set[str] = set()
    for place in sys.path:
        for name in _listed(place or os.curdir):
            if name.endswith(tuple(_METADATA)) and (key := _key(name)) not in seen:
                seen.add(key)
                yield os.path.join(place, name)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _key(folder: str) -> str:
    """The name of the distribution as folders have it: `Energy_Collector-1.0.dist-info` is `energy_collector`."""
    stem = os.path.splitext(os.path.basename(folder))[0]
    return stem.partition("-")[0].lower().replace(".", "_")


def _entry_points_of(folder: str, group: str) -> list[EntryPoint]:
    """Raises `OSError` and `ValueError`."""
    try:
        with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return []
    if group not in text:
        return []
    entries = [EntryPoint(name, value, group) for name, value in _pairs(text.splitlines(), group)]
    distribution, version = _identity(folder) if entries else ("", "")
    return [each._replace(distribution=distribution or each.value, version=version) for each in entries]


def _pairs(lines: Iterable[str], group: str) -> Iterator[tuple[str, str]]:
    """`name = value` of a group; raises `ValueError`."""
    section = ""
    for line in map(str.strip, lines):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1].strip()
        elif line and not line.startswith("#") and section == group:
            name, equals, value = line.partition("=")
            if not equals:
                raise ValueError(f"{line!r} has no equals sign")
            yield name.strip(), value.strip()


def _identity(folder: str) -> tuple[str, str]:
    """Name and version from the header of its metadata; empty where it does not say."""
    said: dict[str, str] = {}
    try:
        with open(os.path.join(folder, _METADATA[os.path.splitext(folder)[1]]), encoding="utf-8") as file:
            for line in file:
                if not line.strip():
                    break  # what follows is a whole README
                key, _, value = line.partition(":")
                said.setdefault(key, value.strip())
    except (OSError, ValueError):
        return "", ""
    return said.get("Name", ""), said.get("Version", "")


def _archived(group: str) -> Iterator[EntryPoint]:
    """Entry points of distributions in zip files, which `importlib.metadata` can read."""
    archives = [place for place in sys.path if os.path.isfile(place)]
    if not archives:
        return
    from importlib import metadata  # noqa: PLC0415 - hardly anybody has any

    for found in metadata.distributions(path=archives):
        for entry in found.entry_points.select(group=group):
            yield EntryPoint(entry.name, entry.value, group, found.name or entry.value, found.version or "")
