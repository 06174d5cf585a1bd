"""`energy-collector calibrate qemu`: fits the power of this host to its load."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import click

from collector_core import CommandContext, NotAvailable, ResultFile
from collector_core.calibration import LoadBench, LoadPoint
from collector_plugins.qemu import hostmeter, modelfile, neighbours
from collector_plugins.qemu.fit import Fit, Point, fit
from collector_plugins.qemu.hostmeter import HostMeter
from collector_plugins.qemu.modelfile import Model
from collector_plugins.qemu.units import CpuUnit


@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), default="qemu-model.json", show_default=True)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@click.option(
    "--steps", type=click.IntRange(1, 64), default=8, show_default=True, help="Loads between idle and all CPUs."
)
@click.option(
    "--seconds", type=click.FloatRange(0.5, 600), default=10.0, show_default=True, help="To measure at each load."
)
@click.option("--settle", type=click.FloatRange(0, 60), default=3.0, show_default=True, help="Seconds before that.")
@click.option("--degree", type=click.IntRange(0, 5), default=3, show_default=True, help="Highest power of x.")
@click.option("--meter", default=hostmeter.DEFAULT, show_default=True, help="Collector that counts the host's joules.")
@click.option(
    "--ratio", "with_ratio", is_flag=True, help="Also measure `cinergy_ratio`: what a load adds beside a neighbour's."
)
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Of that collector, only these series.")
def calibrate(context: CommandContext, *, output: Path, force: bool, **plan: Any) -> None:
    """Fit the host's power to its load, and write the polynomial to a file for the qemu plugin.

    Steps a load from idle to all CPUs and reads the host's energy counter at each step. Let nothing else run meanwhile.
    """
    file, how = ResultFile(output, replace=force), Plan(**plan)
    measured = _measured(context, how)
    points = [(point.busy_cores, sum(point.watts.values())) for point in measured]
    try:
        found = fit(points, how.degree)
        ratio = _ratio(measured) if how.with_ratio else None
    except ValueError as error:
        raise NotAvailable("bad_data", str(error)) from error
    _write(file, Model(found.polynomial, CpuUnit.CORES, ratio), found, points, how.meter)
    _report(output, found, points)
    if ratio is not None:
        click.echo(
            f"\ncinergy_ratio = {ratio:.3f}: what a guest's load adds beside a neighbour's, of what it adds alone"
        )


@dataclass(frozen=True)
class Plan:
    """The options that say how to measure; times in seconds."""

    steps: int
    seconds: float
    settle: float
    degree: int
    meter: str
    labels: Sequence[str]
    with_ratio: bool

    def extra_levels(self) -> list[int]:
        """How many processes to burn for the ratio; raises `click.UsageError`."""
        cpus = _cpus()
        if self.with_ratio and not neighbours.pairs(cpus):
            raise click.UsageError("--ratio needs two CPUs: one for a load, and one for its neighbour's")
        return sorted(neighbours.levels(cpus)) if self.with_ratio else []


def _measured(context: CommandContext, plan: Plan) -> list[LoadPoint]:
    """What was measured at each number of burning processes; raises `NotAvailable` where something fails."""
    meter, extra = HostMeter(context, plan.meter, _pairs(plan.labels)), plan.extra_levels()
    bench = LoadBench(context, meter.joules, seconds=plan.seconds, settle=plan.settle)
    context.read(plan.meter)  # in vain: a counter shows nothing before it has moved
    points: list[LoadPoint] = []
    curve = bench.measure_curve(_cpus(), plan.steps)
    rest = bench.measure(level for level in extra if all(point.level != level for point in points))
    for point in chain(curve, rest):
        click.echo(f"{point.level:3} burning: {point.busy_cores:6.2f} cores busy, {sum(point.watts.values()):8.2f} W")
        if point.is_disturbed:
            click.echo(f"    {point.busy_cores:.2f} cores are busy with something else: the idle power is too high")
        points.append(point)
    return sorted(points, key=lambda point: point.level)


def _ratio(points: Sequence[LoadPoint]) -> float:
    return neighbours.measured_ratio({point.level: sum(point.watts.values()) for point in points}, _cpus())


def _cpus() -> int:
    return os.cpu_count() or 1


def _pairs(labels: Sequence[str]) -> dict[str, str]:
    wrong = next((label for label in labels if "=" not in label), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} is not NAME=VALUE", param_hint="--label")
    return {name: value for name, _, value in (label.partition("=") for label in labels)}


def _write(file: ResultFile, model: Model, found: Fit, points: Sequence[Point], meter: str) -> None:
    text = modelfile.text(
        model,
        host=platform.node(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        meter=meter,
        r_squared=found.quality.r_squared,
        residual_watts=found.quality.residual,
        points=[{"cores": load, "watts": watts} for load, watts in points],
    )
    file.write(text)


def _report(output: Path, found: Fit, points: Sequence[Point]) -> None:
    terms = " + ".join(
        f"{c:.6g}·x^{power}" if power else f"{c:.6g}" for power, c in enumerate(found.polynomial.coefficients)
    )
    click.echo(f"f(x) = {terms} W for x = 0 to {points[-1][0]:.2f} cores")
    r_squared, residual = found.quality
    click.echo(f"R² = {r_squared:.4f}, residual {residual:.2f} W (root mean square of {len(points)} points)")
    click.echo(f"{output} is written; use it with\n")
    click.echo("collectors:\n  qemu:\n    options:\n" + f"      model_file: {output.absolute()}")
