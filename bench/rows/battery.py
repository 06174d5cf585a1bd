"""When batteries of simulated homes are empty, as the plugin forecast says."""

from __future__ import annotations

from bench.effort import Effort
from bench.figures import Figure, Table
from bench.forecast.empty_at import measure_homes


def measure(effort: Effort) -> list[Figure | Table]:
    """How often the answers are right."""
    return measure_homes(effort.homes)
