"""Measurements as tables: one run, several, and two commands side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from collector_core.cli.table import table
from collector_core.measure.measurement import Measurement, OtherUse
from collector_core.measure.statistics import Statistics, summarize
from collector_core.model.quantities import percent, quantity


@dataclass(frozen=True)
class Run:
    """One run of a command: what was measured and how it ended."""

    measurement: Measurement
    exit_code: int


class Row(NamedTuple):
    """A figure: its name for programs and its title for people, where it stands in a measurement, its unit."""

    name: str
    title: str
    value: Callable[[Measurement], float | None]
    unit: str


def mean_watts(measurement: Measurement) -> float | None:
    """The machine's mean power; None where its energy is not known."""
    energy, duration = measurement.energy_joules, measurement.duration_seconds
    return None if energy is None or duration <= 0 else energy / duration


ROWS = (
    Row("energy_joules", "energy", lambda m: m.energy_joules, "J"),
    Row("attributed_energy_joules", "  of this command", lambda m: m.attributed_energy_joules, "J"),
    Row("attributed_with_others_joules", "  with the others", lambda m: m.attributed_with_others_joules, "J"),
    Row("idle_joules", "  while idle", lambda m: m.idle_joules, "J"),
    Row("emissions_grams", "emissions, CO2 equivalent", lambda m: m.emissions_grams, "g"),
    Row("power_watts", "mean power", mean_watts, "W"),
    Row("duration_seconds", "duration", lambda m: m.duration_seconds, "s"),
    Row("cpu_seconds", "CPU time", lambda m: m.cpu_seconds, "s"),
    Row("memory_bytes", "memory at most", lambda m: m.memory_bytes, "B"),
    Row("disk_bytes", "disk", lambda m: m.disk_bytes, "B"),
    Row("network_bytes", "network, all programs", lambda m: m.network_bytes, "B"),
)


def one(run: Run) -> str:
    """The table of one run."""
    m = run.measurement
    rows = [(row.title, quantity(row.value(m), row.unit)) for row in ROWS if row.value(m) is not None]
    if m.estimated and m.energy_joules is not None:
        rows[0] = ("energy", f"≈ {rows[0][1]}")
    rows[1:1] = [(f"  {component}", quantity(joules, "J")) for component, joules in m.components.items()]
    rows += [] if m.cost is None else [("cost", quantity(m.cost, m.currency or ""))]
    rows += [row for other in m.others for row in _other(other)]
    return "\n".join([table((m.label, ending(run.exit_code)), rows), *notes([run])])


def _other(other: OtherUse) -> Iterator[tuple[str, str]]:
    yield f"{other.name}, CPU time", quantity(other.cpu_seconds, "s") or "unknown"
    if other.attributed_energy_joules is not None:
        yield f"{other.name}, energy", quantity(other.attributed_energy_joules, "J")


def several(runs: Sequence[Run]) -> str:
    """The table of a command that was repeated."""
    rows = [
        (row.title, quantity(found.mean, row.unit), *_spread(found, row.unit))
        for row in ROWS
        if (found := summary(row, runs))
    ]
    head = (f"{runs[0].measurement.label}, {len(runs)} runs", "mean", "± (95 %)", "deviation", "from – to")
    return "\n".join([table(head, rows), *notes(runs)])


def side_by_side(first: Sequence[Run], second: Sequence[Run]) -> str:
    """The table of two commands that ran in turn."""
    rows = []
    for row in ROWS:
        mine, yours = summary(row, first), summary(row, second)
        if mine and yours:
            ratio = f"{yours.mean / mine.mean:.2f}" if mine.mean else ""
            rows.append((row.title, with_margin(mine, row.unit), with_margin(yours, row.unit), ratio))
    head = (
        f"{len(first)} runs each" if len(first) > 1 else "one run each",
        f"A: {first[0].measurement.label}",
        f"B: {second[0].measurement.label}",
        "B / A",
    )
    return "\n".join([table(head, rows), verdict(first, second), *notes([*first, *second])])


def verdict(first: Sequence[Run], second: Sequence[Run]) -> str:
    """Which of two commands takes less energy, where their confidence intervals tell them apart."""
    mine, yours = summary(ROWS[0], first), summary(ROWS[0], second)
    if mine is None or yours is None:
        return "energy is not known for both: they cannot be compared"
    if mine.interval is None or yours.interval is None:
        return "one run each says nothing about chance: use --repeat 5"
    (low, high), (other_low, other_high) = mine.interval, yours.interval
    if low > other_high:
        return f"B takes less energy: {percent(1 - yours.mean / mine.mean)}"
    if high < other_low:
        return f"A takes less energy: {percent(1 - mine.mean / yours.mean)}"
    return "the difference in energy is within chance: use a higher --repeat"


def summary(row: Row, runs: Sequence[Run]) -> Statistics | None:
    """Statistics of one figure; None unless every run knows it."""
    values = [row.value(run.measurement) for run in runs]
    known = [value for value in values if value is not None]
    return summarize(known) if known and len(known) == len(values) else None


def with_margin(found: Statistics, unit: str) -> str:
    """A mean with the margin of its confidence interval: `12.3 J ± 2.0 %`."""
    text = quantity(found.mean, unit)
    return text if found.margin is None or not found.mean else f"{text} ± {percent(found.margin / found.mean)}"


def ending(exit_code: int) -> str:
    """How a command ended."""
    return f"killed by signal {exit_code - 128}" if exit_code > 128 else f"exit code {exit_code}"


def notes(runs: Sequence[Run]) -> Iterator[str]:
    """What to know about the figures: how they were found, how good they are, what is missing."""
    last = runs[-1].measurement
    kind = "an estimate by" if last.estimated else "measured by"
    uncertainty = percent(last.uncertainty_ratio)
    yield f"energy of the whole machine, {kind} {last.method}" + (f", ± {uncertainty}" if uncertainty else "")
    for each in last.disagreements:
        by = f"{percent(abs(each.ratio))} {'more' if each.ratio >= 0 else 'less'}"
        yield f"{each.method} says {quantity(each.energy_joules, 'J')} for {each.component}: {by}"
    yield from dict.fromkeys(problem for run in runs for problem in run.measurement.problems)


def _spread(found: Statistics, unit: str) -> tuple[str, str, str]:
    return (
        percent(found.margin / found.mean) if found.margin is not None and found.mean else "",
        quantity(found.deviation, unit),
        f"{quantity(found.minimum, unit)} – {quantity(found.maximum, unit)}",
    )
