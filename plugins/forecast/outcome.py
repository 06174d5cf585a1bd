"""What a way of forecasting returns, and the limits of what can be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

COMBINATION = "combination"  # the model that weighs all others by their errors
MARGIN = 0.1


@dataclass(frozen=True)
class Outcome:
    """Paths by quantile, with the record that stands behind them."""

    quantiles: Mapping[float, Sequence[float]]
    model: str
    weights: Mapping[str, float] = field(default_factory=dict)
    mase: Mapping[str, float] = field(default_factory=dict)
    coverage: Mapping[float, float] = field(default_factory=dict)
    competitors: tuple[str, ...] = ()


Outcomes = Callable[[str], Outcome]
"""What a model that is fitted says; raises `ValueError` where none is called so."""


def without_losers(relative: Mapping[str, float], shown: str) -> dict[str, float]:
    """Errors over that of the naive model; those of models that lose to it only of the one that is shown."""
    return {name: error for name, error in relative.items() if error <= 1 or name == shown}


def limits(seen: Sequence[float]) -> tuple[float, float]:
    """What is possible, judged by what was seen: a tenth beyond it, not negative if it never was, no share above 1."""
    lowest, highest = min(seen), max(seen)
    margin = MARGIN * (highest - lowest)
    low, high = lowest - margin, highest + margin
    if lowest >= 0:
        low = max(low, 0.0)
        if highest <= 1:
            high = min(high, 1.0)
    return low, high
