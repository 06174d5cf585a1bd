"""A root for `--root`: this machine's own, with a made-up powercap tree of two sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_MAXIMUM = 262_143_328_850  # microjoules, as on many Xeons
_DIGITS = len(str(_MAXIMUM))
_STEP = 25_000_000  # microjoules by which every counter moves each time
_APART = 40_000_000_000  # microjoules between counters: what shows the same as another is the same counter
_ZONES = {"package-0": "intel-rapl:0", "package-1": "intel-rapl:1"}


class Tree:
    """Writes the tree below an empty directory; everything but powercap is links to what the machine has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        _mirror(Path("/"), root, but="sys")
        _mirror(Path("/sys"), root / "sys", but="class")
        _mirror(Path("/sys/class"), root / "sys/class", but="powercap")
        self._counters = list(self._zones())
        self._moved = 0
        self.advance()

    def advance(self) -> None:
        """Let every energy counter move on."""
        self._moved += _STEP
        self._write(self._moved)

    def show(self, joules: float) -> None:
        """Let every energy counter say what it does after so many joules."""
        self._write(round(joules * 1e6))

    def nest(self) -> None:
        """Show zones within each other too, as the kernel does: some look for them there."""
        powercap = self.root / "sys/class/powercap"
        (powercap / "intel-rapl/subsystem").symlink_to(powercap)
        for path in _ZONES.values():
            (powercap / "intel-rapl" / path).symlink_to(powercap / path)
            (powercap / path / f"{path}:0").symlink_to(powercap / f"{path}:0")

    def _write(self, microjoules: int) -> None:
        """Each in its place, as sysfs does: who keeps a file open pays for no new one. All are of one length, so that
        nobody reads half a number."""
        for place, counter in enumerate(self._counters):
            number = (microjoules + place * _APART) % _MAXIMUM
            with counter.open("r+b", buffering=0) as file:
                file.write(f"{number:0{_DIGITS}}\n".encode())

    def _zones(self) -> list[Path]:
        powercap = self.root / "sys/class/powercap"
        _attributes(powercap / "intel-rapl", enabled=1)
        counters = []
        for name, path in _ZONES.items():
            counters.append(_zone(powercap / path, name, limited=True))
            counters.append(_zone(powercap / f"{path}:0", "dram", limited=False))
        return counters


@contextmanager
def repeated(action: Callable[[], None], seconds: float) -> Iterator[None]:
    """While this lasts, a thread takes an action every so many seconds."""
    end = threading.Event()

    def repeat() -> None:
        while not end.wait(seconds):
            action()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _mirror(source: Path, target: Path, *, but: str) -> None:
    target.mkdir(exist_ok=True)
    for entry in source.iterdir():
        if entry.name != but:
            (target / entry.name).symlink_to(entry)


def _zone(directory: Path, name: str, *, limited: bool) -> Path:
    _attributes(directory, name=name, max_energy_range_uj=_MAXIMUM, enabled=1, energy_uj=0)
    if limited:
        _attributes(
            directory,
            constraint_0_name="long_term",
            constraint_0_power_limit_uw=205_000_000,
            constraint_0_max_power_uw=205_000_000,
        )
    return directory / "energy_uj"


def _attributes(directory: Path, **values: object) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (directory / name).write_text(f"{value}\n", encoding="ascii")
