"""A powercap tree whose energy the test decides."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

INTEL = 262_143_328_850
SERVER_DRAM = 65_712_999_613
LIMITS = {"long_term": 150.0, "short_term": 180.0}


@dataclass
class FakeZone:
    directory: Path
    watts: float
    raw: int
    maximum: int | None

    def write(self, file: str, content: str | bytes) -> None:
        new = self.directory / f".{file}"
        new.write_bytes(content.encode() if isinstance(content, str) else content)
        new.replace(self.directory / file)  # at once, as the kernel's files change

    def set(self, raw: int) -> None:
        self.raw = raw
        if not (self.directory / "energy_uj").is_symlink():
            self.write("energy_uj", f"{raw}\n")


@dataclass
class PowercapTree:
    """Writes `sys/class/powercap` with links into `sys/devices/virtual/powercap`, as the kernel lays them out."""

    root: Path
    zones: dict[str, FakeZone] = field(default_factory=dict)

    @property
    def by_class(self) -> Path:
        return self.root / "sys/class/powercap"

    def control_type(self, name: str) -> Path:
        directory = self.root / "sys/devices/virtual/powercap" / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "enabled").write_text("1\n")
        self._link(directory)
        return directory

    def add(
        self,
        path: str,
        name: str,
        watts: float = 0.0,
        *,
        start: int = 1_000_000_000,
        maximum: int | None = INTEL,
        limits: dict[str, float] | None = None,
        inside: str | None = None,
    ) -> FakeZone:
        """A zone; it lies in the directory its id says, or in that of the zone `inside`."""
        parent = inside or path.rpartition(":")[0]
        above = self.zones[parent].directory if parent in self.zones else self.control_type(path.partition(":")[0])
        zone = FakeZone(above / path, watts, start, maximum)
        zone.directory.mkdir()
        self._link(zone.directory)
        zone.write("name", f"{name}\n")
        if maximum is not None:
            zone.write("max_energy_range_uj", f"{maximum}\n")
        for number, (constraint, limit) in enumerate((limits or {}).items()):
            zone.write(f"constraint_{number}_name", f"{constraint}\n")
            zone.write(f"constraint_{number}_power_limit_uw", f"{round(limit * 1e6)}\n")
        zone.set(start)
        self.zones[path] = zone
        return zone

    def advance(self, seconds: float) -> None:
        for zone in self.zones.values():
            raw = zone.raw + round(zone.watts * seconds * 1e6)
            zone.set(raw % zone.maximum if zone.maximum else raw)

    def deny(self, *paths: str) -> None:
        for path in paths:
            (self.zones[path].directory / "energy_uj").chmod(0o400 if os.geteuid() == 0 else 0)

    def break_with_eio(self, path: str) -> None:
        file = self.zones[path].directory / "energy_uj"
        file.unlink()
        file.symlink_to("/proc/self/mem")  # nothing is mapped at address 0: reading it answers EIO

    def repair(self, path: str) -> None:
        zone = self.zones[path]
        (zone.directory / "energy_uj").unlink(missing_ok=True)
        zone.set(zone.raw)

    def remove(self, path: str) -> None:
        """Unregister a zone and all below it, as unloading its module does."""
        shutil.rmtree(self.zones[path].directory)
        for gone in [name for name in self.zones if not self.zones[name].directory.exists()]:
            (self.by_class / gone).unlink()
            del self.zones[gone]

    def _link(self, directory: Path) -> None:
        self.by_class.mkdir(parents=True, exist_ok=True)
        link = self.by_class / directory.name
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(directory, self.by_class))


@contextmanager
def without_privileges() -> Iterator[None]:
    """Read as somebody whom file modes stop, also where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def readable_by_everybody() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are closed to other users
        root = Path(directory)
        root.chmod(0o755)
        yield root
