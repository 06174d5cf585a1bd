"""What every test of the system plugin needs: a machine of files, and a collector that reads it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from collector_core import Context, Readings
from collector_core.testing import FakeClock
from collector_plugins.system import System

Series = dict[tuple[str, ...], float]


@dataclass
class Run:
    series: dict[str, Series]
    failed: list[str]

    def __getitem__(self, name: str) -> Series:
        return self.series.get(name, {})


@dataclass
class Machine:
    """A tree of files that stands for a machine, and a collector of it."""

    root: Path
    clock: FakeClock = field(default_factory=FakeClock)
    options: dict[str, Any] = field(default_factory=dict)
    _collector: System | None = None

    @property
    def collector(self) -> System:
        if self._collector is None:
            context = Context(name="system", logger=logging.getLogger("test"), root=self.root, clock=self.clock)
            self._collector = System(System.config_type.model_validate(self.options), context)
            self._collector.open()
        return self._collector

    def write(self, path: str, contents: str | bytes) -> None:
        """Replace a file by a new one, as an editor does."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(file.name + ".new")
        new.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        new.rename(file)

    def run(self, seconds: float = 1.0) -> Run:
        self.clock.advance(seconds)
        out = Readings(System.metrics, max_series=2000)
        self.collector.collect(out)
        snapshot = out.snapshot()
        return Run({metric.name: dict(snapshot.series(metric)) for metric in snapshot.layout.metrics}, names(out))

    def close(self) -> None:
        if self._collector is not None:
            self._collector.close()


def names(out: Readings) -> list[str]:
    return [f"{failure.name} {type(failure.error).__name__}" for failure in out.part_failures]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    (tmp_path / "proc").mkdir()
    machine = Machine(tmp_path)
    yield machine
    machine.close()


@pytest.fixture
def machine_at() -> Iterator[Callable[..., Machine]]:
    made: list[Machine] = []

    def make(root: Path, options: dict[str, Any] | None = None) -> Machine:
        made.append(Machine(root, options=options or {}))
        return made[-1]

    yield make
    for machine in made:
        machine.close()
