"""`calibrate`: what this machine's processors draw at each load, from Python."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from collector_core.calibration.bench import LoadBench, LoadPoint, mean_points
from collector_core.calibration.quality import FitQuality, fit_quality
from collector_core.errors import NotAvailable, Reason
from collector_core.measure.levels import Level, chosen, no_meter
from collector_core.measure.sources import Sources
from collector_core.metering.meters import Component, EnergyMeter, EnergyReading
from collector_core.model.clock import Clock, SystemClock
from collector_core.procfs.cpu import CpuDescription, read_cpus

READINGS = 3  # of each load, so that the curve, which goes through their mean, can be judged


class Calibration(NamedTuple):
    """What `calibrate` found.

    `profile` is plain data: `processor`, `threads`, `sockets`, `host`, `date`, `method`, `r_squared`, `residual_watts`,
    and `points` of `utilization` (0 to 1), `cpu_watts` and, where memory is counted, `dram_watts`. As JSON in a file it
    is a `model_file` of the collector `estimate`. `accuracy` judges the curve by the single readings, `samples`.
    """

    profile: dict[str, Any]
    accuracy: FitQuality
    samples: Sequence[LoadPoint]


class _Place:
    """The machine to load and read: below a root, or the one that runs us where that has no CPU times."""

    def __init__(self, root: Path) -> None:
        self.clock: Clock = SystemClock()
        self._proc = root / "proc" if (root / "proc/stat").exists() else Path("/proc")

    def path(self, path: str) -> Path:
        return self._proc / path.removeprefix("/proc/")

    def processor(self) -> CpuDescription | None:
        try:
            return read_cpus(self._proc)
        except (OSError, ValueError):
            return None


def calibrate(
    root: Path | None = None, seconds: float = 9.0, *, steps: int = 8, config: Path | None = None
) -> Calibration:
    """Keep none to all CPUs busy, at up to `steps` loads, and read the energy counters for `seconds` at each.

    `root` and `config` are as for `EnergyMonitor`. A third of `seconds` passes before each load is read; let nothing
    else run meanwhile (`samples` tell whether they were disturbed). Raises `ValueError` for seconds or steps that are
    not positive, `NotAvailable` where no counter measures the processors, and `ConfigError`.
    """
    if not (seconds > 0 and steps > 0):
        raise ValueError("seconds and steps must be positive")
    with closing(Sources(SystemClock(), root, config)) as sources:
        meters = _processor_meters(sources)
        place = _Place(sources.root)
        bench = LoadBench(
            place, lambda: _joules(meters), seconds=seconds / READINGS, settle=seconds / 3, readings=READINGS
        )
        samples = list(bench.measure_curve(os.cpu_count() or 1, steps))
    points = list(_points(samples))
    accuracy = _accuracy(points, samples)
    notes = {"method": "+".join(dict.fromkeys(str(meter.method) for meter in meters)), **accuracy.notes()}
    return Calibration({**_machine(place), **notes, "points": points}, accuracy, tuple(samples))


def _processor_meters(sources: Sources) -> list[EnergyMeter]:
    """Those that count processors and memory; raises `NotAvailable`."""
    found = [meter for meter in sources.meters() if meter.inside is None]
    meters = [meter for meter in chosen(Level.HARDWARE, found) if meter.component in (Component.CPU, Component.DRAM)]
    if not any(meter.component == Component.CPU for meter in meters):
        raise no_meter(Level.HARDWARE, [], sources.problems)
    return meters


def _joules(meters: Sequence[EnergyMeter]) -> dict[tuple[str, str], float]:
    found = {}
    for meter in meters:
        reading = meter.read()
        if not isinstance(reading, EnergyReading):
            raise NotAvailable(Reason.BAD_DATA, f"{meter.name} has no reading", fix="try again")
        found[str(meter.component), meter.device] = reading.joules
    return found


def _points(samples: Sequence[LoadPoint]) -> Iterator[dict[str, float]]:
    """One for each load, the mean of its readings."""
    for mean in mean_points(samples):
        point = {"utilization": min(1.0, mean.utilization)}
        for component in (Component.CPU, Component.DRAM):
            watts = _watts(mean, component)
            point |= {} if watts is None else {f"{component}_watts": watts}
        yield point


def _accuracy(points: Sequence[Mapping[str, float]], samples: Sequence[LoadPoint]) -> FitQuality:
    """How well straight lines between the means fit the single readings."""
    corners = sorted((point["utilization"], point["cpu_watts"]) for point in points)

    def curve(utilization: float) -> float:
        below = [corner for corner in corners if corner[0] <= utilization] or corners[:1]
        above = [corner for corner in corners if corner[0] >= utilization] or corners[-1:]
        (low, low_watts), (high, high_watts) = below[-1], above[0]
        part = (utilization - low) / (high - low) if high > low else 0.0
        return low_watts + part * (high_watts - low_watts)

    return fit_quality(curve, [(each.utilization, _watts(each, Component.CPU) or 0.0) for each in samples])


def _machine(place: _Place) -> dict[str, Any]:
    """What tells this machine from others, as far as it says."""
    known = {"host": platform.node(), "date": datetime.now(UTC).isoformat(timespec="seconds")}
    cpu = place.processor()
    if cpu is None:
        return {"processor": "", **known}
    name = {"cpu": cpu.names[0]} if cpu.names else {}
    return {"processor": cpu.model, **name, "threads": cpu.threads, "sockets": cpu.sockets, **known}


def _watts(sample: LoadPoint, component: Component) -> float | None:
    watts = [value for (of, _), value in sample.watts.items() if of == component]
    return sum(watts) if watts else None
