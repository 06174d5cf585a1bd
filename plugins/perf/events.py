"""The energy events of a processor as sysfs describes them: `/sys/bus/event_source/devices/power`.

Format: Documentation/ABI/testing/sysfs-bus-event_source-devices-events of the kernel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

POWER = "/sys/bus/event_source/devices/power"
CPUS = "/sys/devices/system/cpu"
UNIT = "Joules"
PREFIX = "energy-"
MOST_CPUS = 1 << 16


@dataclass(frozen=True)
class Event:
    """What the kernel calls an event, and what one count of it is in joules."""

    name: str
    pmu: int
    config: int
    joules_per_count: float


def find_events(power: Path) -> dict[str, Event | Exception]:
    """The energy events of a PMU by name, or why one cannot be used; raises `OSError` where there is no PMU."""
    pmu = int((power / "type").read_text(encoding="ascii"))
    names = sorted(file.name for file in (power / "events").iterdir() if file.name.startswith(PREFIX))
    return {name: _event(power / "events", name, pmu) for name in names if "." not in name}


def find_owners(power: Path, cpus: Path, *, dies_count_alone: bool) -> dict[int, str]:
    """What each CPU of the PMU's mask stands for: `package-1`, or `package-1-die-0` of a package with several dies.

    Where dies do not count alone, each tells the energy of the whole package, and the first one stands for it.
    """
    places = {cpu: _place(cpus, cpu) for cpu in parse_cpu_list((power / "cpumask").read_text(encoding="ascii"))}
    if not dies_count_alone:
        first = {package: cpu for cpu, (package, _) in reversed(places.items())}
        return {cpu: f"package-{package}" for package, cpu in sorted(first.items())}
    dies = Counter(package for package, _ in places.values())
    return {
        cpu: f"package-{package}-die-{die}" if dies[package] > 1 else f"package-{package}"
        for cpu, (package, die) in places.items()
    }


def parse_cpu_list(text: str) -> list[int]:
    """The CPUs of a list such as `0,36-37`; raises `ValueError`."""
    return sorted({cpu for part in text.strip().split(",") if part for cpu in _range(part)})


def parse_terms(text: str) -> Mapping[str, int]:
    """The terms of an event such as `event=0x02,umask=1`; a term without a value is 1. Raises `ValueError`."""
    pairs = (term.partition("=") for term in text.strip().split(","))
    return {name: int(value, 0) if equals else 1 for name, equals, value in pairs}


def _range(part: str) -> Iterator[int]:
    first, _, last = part.partition("-")
    start, end = int(first), int(last or first)
    if not 0 <= start <= end < MOST_CPUS:
        raise ValueError(f"{part!r} is not a range of CPUs")
    yield from range(start, end + 1)


def _event(events: Path, name: str, pmu: int) -> Event | Exception:
    try:
        unit, scale = _read(events / f"{name}.unit"), float(_read(events / f"{name}.scale"))
        terms = parse_terms(_read(events / name))
    except (OSError, ValueError) as error:
        return error
    if unit != UNIT or terms.keys() != {"event"} or not (isfinite(scale) and scale > 0):
        return ValueError(f"is not described as energy: unit {unit!r}, scale {scale:g}, terms {sorted(terms)}")
    return Event(name, pmu, terms["event"], scale)


def _place(cpus: Path, cpu: int) -> tuple[int, int]:
    """Package and die of a CPU; kernels before 5.2 know no dies."""
    topology = cpus / f"cpu{cpu}/topology"
    try:
        die = int(_read(topology / "die_id"))
    except FileNotFoundError:
        die = 0
    return int(_read(topology / "physical_package_id")), max(0, die)


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip()
