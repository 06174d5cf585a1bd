"""What a power zone measures: its package, its role in the sum and the power it can reach."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from collector_plugins.rapl.powercap import Entry

# For zones that name no limit and have no parent that does (AMD, psys): above any single socket sold today, and above
# two of them with their board.
DEFAULT_MAX_WATTS = 500.0
DEFAULT_PLATFORM_WATTS = 2000.0
# A rating that we only assume is generous already: there is less above it than above a limit.
DEFAULT_PEAK = 1.2
# Of the TDP: where no limit is told, processors are held at somewhat more; a limit of far more is no limit.
LONG_TERM = 1.5
ABSURD = 10.0
# A processor's short turbo exceeds its limit two- to threefold for some seconds.
PEAK = 4.0

_PACKAGE = re.compile(r"package-(\d+)(-die-\d+)?")
_PSYS = re.compile(r"psys(-\d+)?")  # the kernel numbers the platform zones of further sockets


class Role(StrEnum):
    """Where a zone stands in the machine's sum: `package`, `die` and `dram` add up, the others must not be added."""

    PACKAGE = "package"
    DIE = "die"
    DRAM = "dram"
    PART = "part"
    PSYS = "psys"
    OTHER = "other"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Zone:
    """A power zone with an energy counter.

    `owner` is the name of the nearest package or die it belongs to, itself included, and `package` that one's number;
    both are empty for psys. `max_watts` is the power to reckon with between two readings, `peak_watts` what the zone
    may draw for some seconds.
    """

    path: str
    name: str
    energy_file: Path
    owner: str
    package: str
    role: Role
    maximum: int | None
    max_watts: float
    peak_watts: float
    limits: Mapping[str, float]

    @property
    def control_type(self) -> str:
        """The part of the kernel that the zone comes from: `intel-rapl`, `intel-rapl-mmio`, …"""
        return self.path.partition(":")[0]

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same zone after a re-numbering: another package behind one path is another zone."""
        return self.path, self.owner, self.name


def resolve(entries: Mapping[str, Entry], tdp_watts: float | None = None) -> dict[str, Zone]:
    """The energy zones among `entries`, by path; `tdp_watts` is that of one socket, if it is known.

    Packages go by the `name` of the nearest package above, never by the directory's number: the kernel registers
    sockets in whatever order they come up, so that `intel-rapl:0` may be socket 1.
    """
    return {path: _zone(entry, entries, tdp_watts) for path, entry in entries.items() if entry.counts_energy}


def _zone(entry: Entry, entries: Mapping[str, Entry], tdp_watts: float | None) -> Zone:
    line = list(_lineage(entry, entries))
    role = _role([ancestor.name for ancestor in line])
    owner = "" if role is Role.PSYS else _owner(line)
    match = _PACKAGE.fullmatch(owner)
    max_watts, peak_watts = _bounds(line, role, tdp_watts)
    return Zone(
        path=entry.path,
        name=entry.name,
        energy_file=entry.energy_file,
        owner=owner,
        package=match[1] if match else "",
        role=role,
        maximum=entry.maximum,
        max_watts=max_watts,
        peak_watts=peak_watts,
        limits=entry.limits,
    )


def _bounds(line: list[Entry], role: Role, tdp_watts: float | None) -> tuple[float, float]:
    """The power to reckon with, and for some seconds: by a limit that is sane, by the TDP, or assumed."""
    rated = next((entry.rated_watts for entry in line if entry.rated_watts), None)
    if role is Role.PSYS:
        return (rated, PEAK * rated) if rated else (DEFAULT_PLATFORM_WATTS, DEFAULT_PEAK * DEFAULT_PLATFORM_WATTS)
    if tdp_watts and (rated is None or rated > ABSURD * tdp_watts):
        return LONG_TERM * tdp_watts, PEAK * tdp_watts
    return (rated, PEAK * rated) if rated else (DEFAULT_MAX_WATTS, DEFAULT_PEAK * DEFAULT_MAX_WATTS)


def _lineage(entry: Entry, entries: Mapping[str, Entry]) -> Iterator[Entry]:
    """The entry and all above it, from near to far; a loop of links ends where it closes."""
    seen: set[str] = set()
    current: Entry | None = entry
    while current and current.path not in seen:
        seen.add(current.path)
        yield current
        current = entries.get(current.parent or "")


def _owner(line: list[Entry]) -> str:
    return next((entry.name for entry in line if _PACKAGE.fullmatch(entry.name)), "")


def _role(names: list[str]) -> Role:
    """The role of a zone called `names[0]` below zones called `names[1:]`, from near to far.

    DRAM is a domain beside the package, not within: Intel SDM volume 3B, "RAPL Domains and Platform Specificity".
    """
    name, above = names[0], names[1:]
    inside_package = any(map(_PACKAGE.fullmatch, above))
    if _PSYS.fullmatch(name):
        return Role.PSYS
    if (match := _PACKAGE.fullmatch(name)) and not inside_package:
        return Role.DIE if match[2] else Role.PACKAGE
    if name == "dram" and (not above or _PACKAGE.fullmatch(above[0])):
        return Role.DRAM
    return Role.PART if inside_package else Role.OTHER
