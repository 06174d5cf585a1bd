"""Measurements that may be averaged: of one label and machine, taken in one way, of the same parts of the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from collector_core.measure.kept import KeptMeasurement
from collector_core.measure.statistics import summarize
from collector_core.metering.meters import EnergyMethod
from collector_core.metering.selection import trust

FIGURES = (
    "energy_joules",
    "duration_seconds",
    "cpu_seconds",
    "cpu_percent",
    "memory_bytes",
    "network_bytes",
    "disk_bytes",
)


class Operation(NamedTuple):
    """What can be compared and averaged. `scope` names the components, as in `cpu+dram`; empty without energy."""

    label: str
    host: str
    method: str
    scope: str


def by_operation(kept: Sequence[KeptMeasurement]) -> dict[Operation, list[KeptMeasurement]]:
    """The measurements of each operation, in the order in which labels and then operations came up.

    One without energy belongs to the first operation with its label, host and method.
    """
    operations = [_operation_of(each) for each in kept]
    known: dict[tuple[str, ...], str] = {}
    for operation in operations:
        if operation.scope:
            known.setdefault(operation[:3], operation.scope)
    found: dict[str, dict[Operation, list[KeptMeasurement]]] = {}
    for each, operation in zip(kept, operations, strict=True):
        whole = operation._replace(scope=operation.scope or known.get(operation[:3], ""))
        found.setdefault(each.label, {}).setdefault(whole, []).append(each)
    return {operation: group for groups in found.values() for operation, group in groups.items()}


def quoted(groups: Mapping[Operation, Sequence[KeptMeasurement]]) -> set[Operation]:
    """Of each label the operation to quote: measured before estimated, then the whole before parts, then the most."""
    best: dict[str, Operation] = {}
    for operation in sorted(groups, key=lambda each: _rank(each, groups[each])):
        best.setdefault(operation.label, operation)
    return set(best.values())


def statistics(groups: Mapping[Operation, Sequence[KeptMeasurement]]) -> list[dict[str, Any]]:
    """Count, mean, minimum, maximum and deviation of every figure that is known, by operation; fit for JSON."""
    return [_statistics(operation, group) for operation, group in groups.items()]


def figures(kept: Sequence[KeptMeasurement], name: str) -> list[float]:
    """One figure of all that know it."""
    return [value for each in kept if (value := each.figure(name)) is not None]


def _operation_of(kept: KeptMeasurement) -> Operation:
    components = kept.result.get("components")
    is_known = kept.figure("energy_joules") is not None and isinstance(components, dict)
    scope = "+".join(sorted(components)) if is_known and components else ""
    return Operation(kept.label, str(kept.result.get("host", "")), str(kept.result.get("method", "")), scope)


def _rank(operation: Operation, kept: Sequence[KeptMeasurement]) -> tuple[bool, bool, float, int, int]:
    methods = operation.method.split("+")
    parts = operation.scope.split("+")
    width = 100 if "host" in parts else len(parts)
    return (
        not operation.scope,
        EnergyMethod.MODEL in methods,
        max(map(trust, methods)),
        -width,
        -len(kept),
    )


def _statistics(operation: Operation, kept: Sequence[KeptMeasurement]) -> dict[str, Any]:
    metrics = {}
    for name in FIGURES:
        if values := figures(kept, name):
            found = summarize(values)
            known = {
                "count": found.count,
                "mean": found.mean,
                "minimum": found.minimum,
                "maximum": found.maximum,
                "deviation": found.deviation,
            }
            metrics[name] = {key: value for key, value in known.items() if value is not None}
    scope = operation.scope.split("+") if operation.scope else []
    return {**operation._asdict(), "scope": scope, "count": len(kept), "metrics": metrics}
