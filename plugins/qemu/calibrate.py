"""`energy-collector calibrate qemu`: fits the power of this host to its load."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from collector_core import CommandContext, NotAvailable
from collector_plugins.qemu import hostmeter, modelfile, procfs
from collector_plugins.qemu.fit import Fit, Point, fit
from collector_plugins.qemu.hostmeter import HostMeter
from collector_plugins.qemu.load import Load
from collector_plugins.qemu.modelfile import Model
from collector_plugins.qemu.units import CpuUnit

BUSY_WHEN_IDLE = 0.05  # of all CPUs: more than that is somebody else's work


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
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Of that collector, only these series.")
def calibrate(context: CommandContext, *, output: Path, force: bool, **plan: Any) -> None:
    """Fit the host's power to its load, and write the polynomial to a file for the qemu plugin.

    Steps a load from idle to all CPUs and reads the host's energy counter at each step. Let nothing else run meanwhile.
    """
    if output.exists() and not force:
        raise NotAvailable("not_supported", f"{output} is there already", fix="--force, or another --output")
    how = Plan(**plan)
    points = Bench(context, how).measure(levels(os.cpu_count() or 1, how.steps), click.echo)
    try:
        found = fit(points, how.degree)
    except ValueError as error:
        raise NotAvailable("bad_data", str(error)) from error
    _write(output, found, points, how.meter)
    _report(output, found, points)


@dataclass(frozen=True)
class Plan:
    """The options that say how to measure; times in seconds."""

    steps: int
    seconds: float
    settle: float
    degree: int
    meter: str
    labels: Sequence[str]


class Bench:
    """Measures load and power of the host below the configured root."""

    def __init__(self, context: CommandContext, plan: Plan) -> None:
        self._context = context
        self._plan = plan
        self._meter = HostMeter(context.read, plan.meter, _pairs(plan.labels))

    def measure(self, levels: Sequence[int], say: Callable[[str], None]) -> list[Point]:
        """Busy cores and watts at each number of burning processes; raises `NotAvailable` where something fails."""
        self._look()
        points = []
        for level in levels:
            with Load(level):
                time.sleep(self._plan.settle)
                load, watts = self._point()
            say(f"{level:3} burning: {load:6.2f} cores busy, {watts:8.2f} W")
            if level == 0 and load > BUSY_WHEN_IDLE * levels[-1]:
                say(f"    {load:.2f} cores are busy with something else: the idle power comes out too high")
            points.append((load, watts))
        return points

    def _look(self) -> None:
        """Read once, in vain: a counter shows nothing before it has moved."""
        self._context.read(self._meter.collector)
        self._busy_ticks()

    def _point(self) -> Point:
        before, ticks, start = self._meter.joules(), self._busy_ticks(), self._context.clock.monotonic()
        time.sleep(self._plan.seconds)
        after, more, end = self._meter.joules(), self._busy_ticks(), self._context.clock.monotonic()
        joules = hostmeter.growth(before, after)
        return (more - ticks) / procfs.TICKS_PER_SECOND / (end - start), joules / (end - start)

    def _busy_ticks(self) -> int:
        file = self._context.path("/proc/stat")
        try:
            return procfs.host_cpu(file.read_bytes())[0]
        except (OSError, ValueError) as error:
            raise NotAvailable("not_found", f"{file}: {error}") from error


def levels(cpus: int, steps: int) -> list[int]:
    """Numbers of CPUs to keep busy: from none to all, evenly, at most `steps` after idle."""
    return sorted({round(cpus * step / steps) for step in range(steps + 1)})


def _pairs(labels: Sequence[str]) -> dict[str, str]:
    wrong = next((label for label in labels if "=" not in label), None)
    if wrong is not None:
        raise click.BadParameter(f"{wrong!r} is not NAME=VALUE", param_hint="--label")
    return {name: value for name, _, value in (label.partition("=") for label in labels)}


def _write(output: Path, found: Fit, points: Sequence[Point], meter: str) -> None:
    text = modelfile.text(
        Model(found.polynomial, CpuUnit.CORES),
        host=platform.node(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        meter=meter,
        r_squared=found.r_squared,
        residual_watts=found.residual,
        points=[{"cores": load, "watts": watts} for load, watts in points],
    )
    new = output.with_name(f"{output.name}.new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(output)
    except OSError as error:
        raise NotAvailable("permission", f"{output} cannot be written: {error.strerror}") from error


def _report(output: Path, found: Fit, points: Sequence[Point]) -> None:
    terms = " + ".join(
        f"{c:.6g}·x^{power}" if power else f"{c:.6g}" for power, c in enumerate(found.polynomial.coefficients)
    )
    click.echo(f"f(x) = {terms} W for x = 0 to {points[-1][0]:.2f} cores")
    click.echo(
        f"R² = {found.r_squared:.4f}, residual {found.residual:.2f} W (root mean square of {len(points)} points)"
    )
    click.echo(f"{output} is written; use it with\n")
    click.echo("collectors:\n  qemu:\n    options:\n" + f"      model_file: {output.absolute()}")
