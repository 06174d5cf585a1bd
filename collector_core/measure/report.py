"""A report on measurements that were kept: plain data, and Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from statistics import mean
from typing import Any

from collector_core.measure.bias import MeterBias, corrected_joules, learn_biases
from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.operations import Operation, by_operation, figures, quoted, statistics
from collector_core.measure.statistics import summarize
from collector_core.measure.suggestions import code, suggestions
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
    "of",
    "method",
    "host",
    "quote",
)
_TEXTS = 4  # of the columns, at the end
_WHERE_KNOWN = (
    ("with others, mean", "attributed_with_others_joules", "J"),
    ("emissions, mean", "emissions_grams", "g"),
    ("cost, mean", "cost", ""),
)
_BEFORE = _COLUMNS.index("duration, mean")


def report(kept: Sequence[KeptMeasurement]) -> dict[str, Any]:
    """Statistics of each operation, which one of a label to quote, biases of methods, suggestions; fit for JSON."""
    groups = by_operation(kept)
    best = quoted(groups)
    biases = learn_biases(kept)
    found = zip(groups, statistics(groups), strict=True)
    operations = [
        each | {"quoted": operation in best} | _corrected(operation, groups[operation], biases)
        for operation, each in found
    ]
    advice = [line for operation, group in groups.items() for line in suggestions(operation.label, group)]
    return {
        "measurements": len(kept),
        "operations": operations,
        "biases": [bias.to_dict() for bias in biases],
        "suggestions": advice,
    }


def markdown_report(kept: Sequence[KeptMeasurement]) -> str:
    """Totals, averages, methods and suggestions."""
    if not kept:
        return "# Energy report\n\nThere are no measurements yet; take one with `energy-collector measure -- CMD`.\n"
    groups = by_operation(kept)
    advice = [f"- {line}" for operation, group in groups.items() for line in suggestions(operation.label, group)]
    parts = [
        "# Energy report",
        _totals(kept, groups),
        "## By operation",
        _operations(groups),
        "## How it was measured",
        *_methods(kept),
        *_biases(groups, learn_biases(kept)),
        "## Suggestions",
        "\n".join(advice) or "None: the figures are steady and agree with each other.",
    ]
    return "\n\n".join(parts) + "\n"


def _totals(kept: Sequence[KeptMeasurement], groups: Mapping[Operation, Sequence[KeptMeasurement]]) -> str:
    begin, end = _when(min(each.started_at for each in kept)), _when(max(each.started_at for each in kept))
    durations = figures(kept, "duration_seconds")
    failed = sum(bool(each.exit_code) for each in kept)
    return (
        f"{len(kept)} measurements from {begin} to {end} UTC: {_energies(groups) or 'no energy'}, "
        f"{quantity(sum(durations), 's')} in all, {failed} failed."
    )


def _energies(groups: Mapping[Operation, Sequence[KeptMeasurement]]) -> str:
    """A sum for each way of measuring: joules of different parts, or by different methods, do not add up."""
    sums: dict[tuple[str, str], list[float]] = {}
    for operation, group in groups.items():
        sums.setdefault((operation.scope, operation.method), []).extend(figures(group, "energy_joules"))
    return ", ".join(
        f"{quantity(sum(energies), 'J')} of {scope} ({method}) in {len(energies)} of them"
        for (scope, method), energies in sums.items()
        if energies
    )


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M")


def _operations(groups: Mapping[Operation, Sequence[KeptMeasurement]]) -> str:
    more = [each for each in _WHERE_KNOWN if any(figures(kept, each[1]) for kept in groups.values())]
    columns = [*_COLUMNS[:_BEFORE], *(title for title, _, _ in more), *_COLUMNS[_BEFORE:]]
    lines: list[Sequence[str]] = [columns, ["---", *["---:"] * (len(columns) - 1 - _TEXTS), *["---"] * _TEXTS]]
    best = quoted(groups)
    for operation, kept in groups.items():
        row = _operation(operation, kept)
        row[_BEFORE:_BEFORE] = [_mean(kept, name, unit or _currency(kept)) for _, name, unit in more]
        lines.append([*row, "this" * (operation in best)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _operation(operation: Operation, kept: Sequence[KeptMeasurement]) -> list[str]:
    energies, memory = figures(kept, "energy_joules"), figures(kept, "memory_bytes")
    margin = summarize(energies).margin if energies else None
    return [
        code(operation.label),
        str(len(kept)),
        _mean(kept, "energy_joules", "J"),
        quantity(margin, "J"),
        quantity(sum(energies), "J") if energies else "",
        _mean(kept, "attributed_energy_joules", "J"),
        _mean(kept, "duration_seconds", "s"),
        _mean(kept, "cpu_seconds", "s"),
        quantity(max(memory, default=None), "B"),
        operation.scope,
        operation.method,
        operation.host,
    ]


def _currency(kept: Sequence[KeptMeasurement]) -> str:
    return " / ".join(dict.fromkeys(str(each.result["currency"]) for each in kept if "currency" in each.result))


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


def _corrected(
    operation: Operation, kept: Sequence[KeptMeasurement], biases: Sequence[MeterBias]
) -> dict[str, dict[str, Any]]:
    """What a better meter of this host would have said on average, where it was once there beside this method."""
    told = {name: _component_joules(kept, name) for name in operation.scope.split("+") if name}
    if not all(told.values()):
        return {}
    components = {name: mean(values) for name, values in told.items()}
    found = corrected_joules(biases, operation.host, operation.method, components)
    if found is None:
        return {}
    joules, bias = found
    return {"corrected": {"energy_joules": joules, "reference": bias.reference, "last_at": bias.last_at}}


def _component_joules(kept: Sequence[KeptMeasurement], name: str) -> list[int | float]:
    """The joules of one component in all that know them."""
    told = (each.result.get("components") for each in kept)
    joules = (each.get(name) for each in told if isinstance(each, dict))
    return [each for each in joules if isinstance(each, int | float)]


def _biases(groups: Mapping[Operation, Sequence[KeptMeasurement]], biases: Sequence[MeterBias]) -> Iterator[str]:
    for bias in biases:
        more = "more" if bias.ratio > 1 else "less"
        yield (
            f"- {bias.method} of {bias.component} says {percent(abs(bias.ratio - 1))} {more} than {bias.reference} on "
            f"{bias.host or 'this machine'} ({bias.count} measurements, the last at {_when(bias.last_at)} UTC)"
        )
    for operation, kept in groups.items():
        if found := _corrected(operation, kept, biases).get("corrected"):
            energy = quantity(found["energy_joules"], "J")
            yield f"- {code(operation.label)} by {operation.method}, corrected by that: {energy} on average"
