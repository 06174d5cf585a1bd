"""`energy-collector calibrate cpu`: measures the curve of this machine's processors."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from collector_core import CommandContext, Component, NotAvailable, ResultFile, state_home
from collector_core.calibration import FitQuality, LoadBench, LoadPoint, fit_quality, mean_points
from collector_plugins.estimate import hardware, modelfile
from collector_plugins.estimate.components import calibrated_components
from collector_plugins.estimate.hardware import HardwareMeters
from collector_plugins.estimate.machine import Machine, read_machine
from collector_plugins.estimate.modelfile import Model, Point
from collector_plugins.estimate.power import Activity
from collector_plugins.estimate.sizing import size

READINGS = 3  # of each load, so that the curve, which goes through their mean, can be judged
LEAST_RANGE = 0.5  # between the lowest and the highest utilization


@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Default: cpu-model.json in $XDG_STATE_HOME/energy-collector, or in ~/.local/state/energy-collector.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.option(
    "--steps", type=click.IntRange(1, 64), default=8, show_default=True, help="Loads between idle and all CPUs."
)
@click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=9.0, show_default=True, help="To measure at each load."
)
@click.option("--settle", type=click.FloatRange(0, 60), default=3.0, show_default=True, help="Seconds before that.")
@click.option("--meter", default=hardware.DEFAULT, show_default=True, help="Collector that counts the joules.")
def calibrate(
    context: CommandContext, *, output: Path | None, force: bool, steps: int, seconds: float, settle: float, meter: str
) -> None:
    """Measure what the processors draw at each load, and write the curve to a file for the estimate plugin.

    Steps a load from idle to all CPUs and reads the energy counters at each step. Let nothing else run meanwhile.
    """
    file, meters = ResultFile(output or state_home() / "cpu-model.json", replace=force), HardwareMeters(context, meter)
    meters.wait()
    bench = LoadBench(context, meters.joules, seconds=seconds / READINGS, settle=settle, readings=READINGS)
    measured = list(_with_progress(bench, os.cpu_count() or 1, steps))
    machine, points = read_machine(context.path), _points(mean_points(measured))
    _check_range(points)
    quality = _quality(machine, points, _points(measured))
    notes = _notes(meter) | quality.notes()
    file.write(modelfile.text(machine, points, **notes))
    _report(file.path, points, quality, disturbed=any(each.is_disturbed for each in measured))


def _with_progress(bench: LoadBench, cpus: int, steps: int) -> Iterator[LoadPoint]:
    with click.progressbar(
        bench.measure_curve(cpus, steps),
        length=READINGS * (min(cpus, steps) + 1),
        label="Measuring",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        item_show_func=lambda point: None if point is None else f"{sum(point.watts.values()):.1f} W",
    ) as points:
        yield from points


def _check_range(points: Sequence[Point]) -> None:
    """Raises `NotAvailable` where the load could not be stepped, so that the curve would say next to nothing."""
    reached = [point.utilization for point in points]
    if max(reached) - min(reached) < LEAST_RANGE:
        detail = f"the load went only from {min(reached):.0%} to {max(reached):.0%}: something else keeps CPUs busy"
        raise NotAvailable("bad_data", detail, fix="let nothing else run meanwhile")


def _points(readings: Iterable[LoadPoint]) -> list[Point]:
    return [_point(reading.utilization, reading.watts) for reading in readings]


def _point(utilization: float, watts: Mapping[hardware.Meter, float]) -> Point:
    dram = [value for (component, _), value in watts.items() if component == Component.DRAM]
    cpu = sum(value for (component, _), value in watts.items() if component == Component.CPU)
    return Point(utilization=utilization, cpu_watts=cpu, dram_watts=sum(dram) if dram else None)


def _quality(machine: Machine, points: Sequence[Point], readings: Sequence[Point]) -> FitQuality:
    """How well the curve through the means fits the single readings."""
    curve = calibrated_components(machine, size(machine, None), Model(points))[Component.CPU].curve
    return fit_quality(lambda x: curve(Activity(x)), [(each.utilization, each.cpu_watts) for each in readings])


def _notes(meter: str) -> dict[str, Any]:
    return {"host": platform.node(), "date": datetime.now(UTC).isoformat(timespec="seconds"), "meter": meter}


def _report(output: Path, points: Sequence[Point], quality: FitQuality, *, disturbed: bool) -> None:
    for point in points:
        dram = "" if point.dram_watts is None else f"  memory {point.dram_watts:7.2f} W"
        click.echo(f"{point.utilization:7.1%} busy: {point.cpu_watts:8.2f} W{dram}")
    if disturbed:
        click.echo("something else kept CPUs busy while all should have been idle: the idle power is too high")
    r_squared, residual = quality
    click.echo(f"R² = {r_squared:.4f}, residual {residual:.2f} W (root mean square of {READINGS} readings a load)")
    click.echo(f"{output} is written; use it with\n")
    click.echo("collectors:\n  estimate:\n    options:\n" + f"      model_file: {output.absolute()}")
