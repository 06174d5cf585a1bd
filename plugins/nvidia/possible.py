"""What a GPU can be: values beyond are the driver's word for "unknown", or broken readings, and are left out."""

from __future__ import annotations

from collections.abc import Mapping

from collector_core import Metric
from collector_plugins.nvidia import metrics
from collector_plugins.nvidia.gpu import Series

# The largest board sold in 2026 draws 1,400 W. Power is a mean over tens of milliseconds: short peaks exceed the limit,
# but not by so many times.
MOST_WATTS = 5000.0
PEAK = 2.0
LEAST_PEAK_WATTS = 300.0  # the limit of a laptop's GPU may be set below what it draws
MOST_JOULES = 1e12  # a kilowatt for thirty years

_CELSIUS = (-55.0, 125.0)  # what chips are made for; GPUs turn themselves off below 120
_RATIO = (0.0, 1.0)
_BYTES = (0.0, float(1 << 50))
_COUNT = (0.0, 1e15)

_RANGES: Mapping[Metric, tuple[float, float]] = {
    metrics.POWER: (0.0, MOST_WATTS),
    metrics.POWER_LIMIT: (0.0, MOST_WATTS),
    metrics.TEMPERATURE: _CELSIUS,
    metrics.MEMORY_TEMPERATURE: _CELSIUS,
    metrics.MEMORY_USED: _BYTES,
    metrics.MEMORY_TOTAL: _BYTES,
    metrics.UTILIZATION: _RATIO,
    metrics.MEMORY_UTILIZATION: _RATIO,
    metrics.ENCODER_UTILIZATION: _RATIO,
    metrics.DECODER_UTILIZATION: _RATIO,
    metrics.FAN_SPEED: (0.0, 3.0),
    metrics.CLOCK: (0.0, 1e11),
    metrics.ECC_ERRORS: _COUNT,
    metrics.PCIE_THROUGHPUT: (0.0, 1e12),
    metrics.MIG_ENABLED: _RATIO,
    metrics.MIG_MEMORY_USED: _BYTES,
    metrics.MIG_MEMORY_TOTAL: _BYTES,
    metrics.PROCESS_MEMORY: _BYTES,
}
_ANYTHING = (float("-inf"), float("inf"))


def possible(series: Mapping[Series, float]) -> dict[Series, float]:
    """Those values that a GPU can have, by physics and by its own power limit and memory."""
    found = {each: value for each, value in series.items() if _is_within(value, _RANGES.get(each.metric, _ANYTHING))}
    limit, total = found.get(Series(metrics.POWER_LIMIT)), found.get(Series(metrics.MEMORY_TOTAL))
    if found.get(Series(metrics.POWER), 0.0) > most_watts(limit):
        del found[Series(metrics.POWER)]
    if total is not None and found.get(Series(metrics.MEMORY_USED), 0.0) > total:
        del found[Series(metrics.MEMORY_USED)]
    return found


def possible_joules(counter: float | None) -> float | None:
    """An energy counter's value, None where it cannot be one."""
    return counter if counter is not None and _is_within(counter, (0.0, MOST_JOULES)) else None


def most_watts(limit: float | None) -> float:
    """What a GPU with this power limit (watts; None: unknown) draws at most."""
    return max(PEAK * limit, LEAST_PEAK_WATTS) if limit else MOST_WATTS


def _is_within(value: float, bounds: tuple[float, float]) -> bool:
    low, high = bounds
    return low <= value <= high
