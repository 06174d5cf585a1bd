"""Reads the kernel's powercap tree in sysfs: which zones there are and what their files say.

Format: https://docs.kernel.org/power/powercap/powercap.html and Documentation/ABI/testing/sysfs-class-powercap.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

POWERCAP = "/sys/class/powercap"

MICRO = 1e-6

# Firmware says "no limit" with 0 or with the largest number its field holds (4095.875 W); no socket is rated so high.
SANE_LIMIT_WATTS = (5.0, 2000.0)

_FILE_BYTES = 4096  # sysfs hands out one page at most
_UINT64_DIGITS = 20
_ENERGY_FILES = frozenset({"energy_uj", "max_energy_range_uj"})
_CONSTRAINT = re.compile(r"constraint_(\d+)_power_limit_uw")
_POWER_RATING = re.compile(r"constraint_\d+_(power_limit|max_power)_uw")


@dataclass(frozen=True)
class Entry:
    """One directory of the tree that has a name: a power zone, or a node above some.

    `path` is the directory's name (`intel-rapl:0:1`), `parent` that of the entry it is part of. `maximum` is where
    `energy_uj` wraps, in microjoules; `limits` are watts by constraint name, `rated_watts` the largest sane one of
    the limits and of what the limits can be set to. None and missing: the file is absent, unreadable or says nothing.
    """

    path: str
    name: str
    energy_file: Path
    counts_energy: bool = True
    parent: str | None = None
    maximum: int | None = None
    limits: Mapping[str, float] = field(default_factory=dict)
    rated_watts: float | None = None


@dataclass(frozen=True)
class Tree:
    """All there is below `/sys/class/powercap`; `broken` says why a directory could not be understood."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    broken: Mapping[str, Exception] = field(default_factory=dict)


def listing(directory: Path) -> frozenset[str]:
    """Names in a directory; raises `OSError`."""
    return frozenset(os.listdir(directory))  # noqa: PTH208 - the names are not wanted as paths


def counts_energy(files: frozenset[str]) -> bool:
    """Whether a directory with these files is an energy zone (dtpm zones, for one, only know power)."""
    return not files.isdisjoint(_ENERGY_FILES)


def read_number(file: Path) -> int:
    """What a file of one number says, afresh; raises `OSError`, or `ValueError` for anything but 0…2⁶⁴."""
    return parse_number(_read(file), file.name)


def parse_number(content: bytes, name: str) -> int:
    """The number that the file `name` holds; raises `ValueError` for anything but 0…2⁶⁴."""
    text = content.strip()
    if not text.isdigit() or len(text) > _UINT64_DIGITS:
        raise ValueError(f"{name} says {_shorten(text)}, not a number" if text else f"{name} is empty")
    return int(text)


def read_name(file: Path) -> str:
    """What a file of one word says; raises `OSError`, or `ValueError` when it is empty."""
    text = _read(file).decode(errors="replace").strip()
    if not text:
        raise ValueError(f"{file.name} is empty")
    return text


def scan(directory: Path, names: frozenset[str]) -> Tree:
    """Read everything but the counters of the entries `names`; never raises: what fails is in `broken`.

    A name without a colon is a control type, which measures nothing itself.
    """
    entries: dict[str, Entry] = {}
    broken: dict[str, Exception] = {}
    for name in sorted((name for name in names if ":" in name), key=natural_order):
        parent = name.rpartition(":")[0]
        if parent in broken:
            broken[name] = broken[parent]  # what it is part of cannot be told
            continue
        try:
            entry = _entry(directory / name)
        except NotADirectoryError:
            continue
        except (OSError, ValueError) as error:
            broken[name] = error
        else:
            entries |= {name: entry} if entry else {}
    return Tree({path: _with_parent(entry, entries) for path, entry in entries.items()}, broken)


def natural_order(path: str) -> tuple[tuple[int, str], ...]:
    """Sorts `intel-rapl:2` before `intel-rapl:10`."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in path.split(":"))


def _entry(directory: Path) -> Entry | None:
    files = listing(directory)
    if "name" not in files and not counts_energy(files):
        return None
    return Entry(
        path=directory.name,
        name=read_name(directory / "name"),
        energy_file=directory / "energy_uj",
        counts_energy=counts_energy(files),
        maximum=_number_or_none(directory / "max_energy_range_uj") or None,
        limits=dict(_limits(directory, files)),
        rated_watts=_rating(directory, files),
    )


def _with_parent(entry: Entry, entries: Mapping[str, Entry]) -> Entry:
    """The kernel names a child after its parent; where the ids do not tell, the real directories do."""
    by_id = entry.path.rpartition(":")[0]
    if by_id in entries:
        return replace(entry, parent=by_id)
    by_nesting = entry.energy_file.parent.resolve().parent.name
    return replace(entry, parent=by_nesting if by_nesting in entries else None)


def _limits(directory: Path, files: frozenset[str]) -> Iterator[tuple[str, float]]:
    """Limits that are set; 0 is how a zone without one answers, and some firmware answers ENODATA."""
    seen: set[str] = set()
    for match in sorted(filter(None, map(_CONSTRAINT.fullmatch, files)), key=lambda match: int(match[1])):
        limit = _number_or_none(directory / match[0])
        name = _name_or_none(directory / f"constraint_{match[1]}_name") or f"constraint_{match[1]}"
        if limit and name not in seen:
            seen.add(name)
            yield name, limit * MICRO


def _rating(directory: Path, files: frozenset[str]) -> float | None:
    numbers = (_number_or_none(directory / file) for file in files if _POWER_RATING.fullmatch(file))
    least, most = SANE_LIMIT_WATTS
    return max((number * MICRO for number in numbers if number and least <= number * MICRO <= most), default=None)


def _number_or_none(file: Path) -> int | None:
    try:
        return read_number(file)
    except (OSError, ValueError):
        return None


def _name_or_none(file: Path) -> str | None:
    try:
        return read_name(file)
    except (OSError, ValueError):
        return None


def _read(file: Path) -> bytes:
    descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would block
    try:
        return os.read(descriptor, _FILE_BYTES)
    finally:
        os.close(descriptor)


def _shorten(text: bytes) -> str:
    return repr(text[:32])[1:] + ("…" if len(text) > 32 else "")
