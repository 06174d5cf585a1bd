"""Made-up families with realistic values, the same for everyone who is compared.

Of ten families five are integer counters between 100 and 10^12, three are watts with one to three decimals, one is
ratios in full precision and one is states (small integers). `noise` makes all values random floats of 16 to 17 digits.
"""

from __future__ import annotations

from array import array
from random import Random

from collector_core import Counter, Gauge, Metric, Unit
from collector_core.model.readings import Key, Layout

PER_FAMILY = 1000
LABELS = ("host", "device")

_KINDS = ("counter", "watts", "counter", "watts", "counter", "ratio", "counter", "watts", "counter", "state")


def metrics(prefix: str, series: int) -> list[Metric]:
    """Declarations for `series` series, a thousand each."""
    return [_metric(prefix, number) for number in range(-(-series // PER_FAMILY))]


def keys(series: int) -> list[list[Key]]:
    """Label values of every series, by family."""
    family = [(f"node{place // 25:02}", f"device{place % 25}") for place in range(PER_FAMILY)]
    return [family[: series - start] for start in range(0, series, PER_FAMILY)]


def layout(declared: list[Metric], series: int) -> Layout:
    """The same, as snapshots have it."""
    return Layout(dict(zip(declared, keys(series), strict=True)))


def values(series: int, step: int) -> list[array[float]]:
    """Values of every series, by family; at another `step` all are different."""
    return [
        array("d", [_value(_KINDS[number % len(_KINDS)], place, step) for place in range(len(family))])
        for number, family in enumerate(keys(series))
    ]


def noise(series: int, step: int) -> list[array[float]]:
    """The worst case: values whose shortest text is as long as it gets."""
    random = Random(step)
    return [array("d", [random.random() for _ in family]) for family in keys(series)]


def _metric(prefix: str, number: int) -> Metric:
    kind = _KINDS[number % len(_KINDS)]
    if kind == "counter":
        return Counter(f"{prefix}_moved_{number}_total", "Things moved since the start.", labels=LABELS)
    unit = {"watts": Unit.WATTS, "ratio": Unit.RATIO}.get(kind, Unit.NONE)
    name = f"{prefix}_{kind}_{number}" + (f"_{unit}" if unit else "")
    return Gauge(name, f"A made-up {kind}.", unit, LABELS)


def _value(kind: str, place: int, step: int) -> float:
    if kind == "counter":
        return float(10 ** (2 + place % 11) + place + step * (1 + place % 7))
    if kind == "watts":
        return round((place * 7919 + step * 104_729) % 500_000 / 1000, 1 + place % 3)
    if kind == "ratio":
        return (place * 7919 + step * 104_729) % 1_000_003 / 1_000_003
    return float((place + step) % 8)
