"""The file that `energy-collector calibrate cpu` writes: measured points, of which machine and when, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector_core import Component
from collector_core.storage import read_bounded
from collector_plugins.estimate.machine import Machine
from collector_plugins.estimate.power import Curve, MeasuredCurve

MAX_BYTES = 256 * 1024

Watts = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Point(BaseModel):
    """Mean watts at one utilization (0 to 1); memory's where they could be measured."""

    model_config = ConfigDict(frozen=True)

    utilization: Annotated[float, Field(ge=0, le=1)]
    cpu_watts: Watts
    dram_watts: Watts | None = None


class _Document(BaseModel):
    cpu: str | None = None
    threads: int | None = None
    points: Annotated[list[Point], Field(min_length=2, max_length=1000)]


class Model(NamedTuple):
    """What was measured; `cpu` and `threads` say where, None in a file written by hand."""

    points: Sequence[Point]
    cpu: str | None = None
    threads: int | None = None

    def differs_from(self, machine: Machine) -> str | None:
        """What tells this machine from the one that was measured; None where nothing does."""
        if self.cpu not in (None, machine.name):
            return f"it was measured on {self.cpu}, this is {machine.name}"
        if self.threads not in (None, machine.cpu.threads):
            return f"it was measured with {self.threads} threads, this machine has {machine.cpu.threads}"
        return None


def read(file: Path) -> Model:
    """Read a file; raises `OSError`, or `ValueError` with the key and what is wrong with it."""
    return parse(read_bounded(file, MAX_BYTES, follow_symlinks=True))


def parse(data: bytes) -> Model:
    """`points`, and if stated `cpu` and `threads`; other keys are notes. Raises `ValueError`."""
    try:
        document = _Document.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        raise ValueError(f"{key}: {first['msg']}" if key else first["msg"]) from None
    check(document.points)
    return Model(document.points, document.cpu, document.threads)


def check(points: Sequence[Point]) -> None:
    """Raises `ValueError` where no curve goes through these points."""
    if len({point.utilization for point in points}) < 2:
        raise ValueError("points: two different utilizations are needed, such as idle and all CPUs busy")
    if len({point.dram_watts is None for point in points}) > 1:
        raise ValueError("points: dram_watts must be given in all or in none")


def curves(points: Sequence[Point], shape: Curve) -> dict[Component, MeasuredCurve]:
    """Curves through points that were checked, one for each component that was measured."""
    found = {Component.CPU: MeasuredCurve(_means((point.utilization, point.cpu_watts) for point in points), shape)}
    dram = [(point.utilization, point.dram_watts) for point in points if point.dram_watts is not None]
    return found | ({Component.DRAM: MeasuredCurve(_means(dram), shape)} if dram else {})


def _means(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Several points at one utilization come to one."""
    by_utilization: dict[float, list[float]] = {}
    for utilization, watts in points:
        by_utilization.setdefault(utilization, []).append(watts)
    return [(utilization, fmean(watts)) for utilization, watts in by_utilization.items()]


def text(machine: Machine, points: Sequence[Point], **notes: Any) -> str:
    """A file's text; `notes` say where the points come from."""
    content = {
        "cpu": machine.name,
        "threads": machine.cpu.threads,
        "sockets": machine.cpu.sockets,
        "memory_bytes": machine.memory_bytes,
        **notes,
        "points": [point.model_dump(exclude_none=True) for point in points],
    }
    return json.dumps(content, indent=2) + "\n"
