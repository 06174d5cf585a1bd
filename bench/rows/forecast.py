"""The plugin forecast beside well-known libraries; `python -m bench.forecast` writes the same into the docs."""

from __future__ import annotations

from bench.effort import Effort
from bench.figures import Figure, Table
from bench.forecast.comparison import compare


def measure(effort: Effort) -> list[Figure | Table]:
    """What the comparison finds."""
    return compare(effort.forecasts)
