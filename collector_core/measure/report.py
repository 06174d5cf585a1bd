"""A report in Markdown on measurements that were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import mean

from collector_core.measure.statistics import summarize
from collector_core.measure.store import KeptMeasurement
from collector_core.measure.suggestions import code, figures, suggestions
from collector_core.model.quantities import percent, quantity

_COLUMNS = (
    "operation",
    "count",
    "energy, mean",
    "± (95 %)",
    "energy, total",
    "attributed, mean",
    "duration, mean",
    "CPU time, mean",
    "memory, most",
)


def by_label(kept: Sequence[KeptMeasurement]) -> dict[str, list[KeptMeasurement]]:
    """The measurements of each label, in the order in which labels came up."""
    found: dict[str, list[KeptMeasurement]] = {}
    for each in kept:
        found.setdefault(each.label, []).append(each)
    return found


def markdown_report(kept: Sequence[KeptMeasurement]) -> str:
    """Totals, averages, methods and suggestions."""
    if not kept:
        return "# Energy report\n\nThere are no measurements yet; take one with `energy-collector measure -- CMD`.\n"
    groups = by_label(kept)
    advice = [f"- {line}" for label, group in groups.items() for line in suggestions(label, group)]
    parts = [
        "# Energy report",
        _totals(kept),
        "## By operation",
        _operations(groups),
        "## How it was measured",
        *_methods(kept),
        "## Suggestions",
        "\n".join(advice) or "None: the figures are steady and agree with each other.",
    ]
    return "\n\n".join(parts) + "\n"


def _totals(kept: Sequence[KeptMeasurement]) -> str:
    begin, end = _when(min(each.started_at for each in kept)), _when(max(each.started_at for each in kept))
    energies, durations = figures(kept, "energy_joules"), figures(kept, "duration_seconds")
    energy = f"{quantity(sum(energies), 'J')} in {len(energies)} of them" if energies else "no energy"
    failed = sum(bool(each.exit_code) for each in kept)
    return (
        f"{len(kept)} measurements from {begin} to {end} UTC: {energy}, {quantity(sum(durations), 's')} in all, "
        f"{failed} failed."
    )


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


def _operations(groups: Mapping[str, Sequence[KeptMeasurement]]) -> str:
    lines: list[Sequence[str]] = [_COLUMNS, ["---", *["---:"] * (len(_COLUMNS) - 1)]]
    lines += [_operation(label, kept) for label, kept in groups.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _operation(label: str, kept: Sequence[KeptMeasurement]) -> list[str]:
    energies, memory = figures(kept, "energy_joules"), figures(kept, "memory_bytes")
    margin = summarize(energies).margin if energies else None
    return [
        code(label),
        str(len(kept)),
        _mean(kept, "energy_joules", "J"),
        quantity(margin, "J"),
        quantity(sum(energies), "J") if energies else "",
        _mean(kept, "attributed_energy_joules", "J"),
        _mean(kept, "duration_seconds", "s"),
        _mean(kept, "cpu_seconds", "s"),
        quantity(max(memory, default=None), "B"),
    ]


def _mean(kept: Sequence[KeptMeasurement], name: str, unit: str) -> str:
    values = figures(kept, name)
    return quantity(mean(values), unit) if values else ""


def _methods(kept: Sequence[KeptMeasurement]) -> Iterator[str]:
    for method, count in Counter(str(each.result.get("method", "")) for each in kept).most_common():
        group = [each for each in kept if each.result.get("method", "") == method]
        errors = figures(group, "uncertainty_ratio")
        kind = "an estimate" if any(each.result.get("estimated") for each in group) else "measured"
        error = f", uncertain by ± {percent(mean(errors))}" if errors else ""
        yield f"- {method}: {count} measurements, {kind}{error}"
