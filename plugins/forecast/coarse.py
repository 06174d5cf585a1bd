"""Forecasts a series of very short steps by means over longer ones, and gives its noise back afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import copysign, hypot

STEPS_A_DAY = 144
FEWEST_AHEAD = 12


def steps_taken_together(steps_a_day: int, horizon: int) -> int:
    """How many steps to take together: down to ten minutes, and at least twelve means within the horizon."""
    return max(1, min(steps_a_day // STEPS_A_DAY, horizon // FEWEST_AHEAD))


def means(values: Sequence[float | None], count: int) -> list[float | None]:
    """The means of `count` steps each, counted back from the end; None where there is no value."""
    found = []
    for start in range(len(values) % count, len(values), count):
        known = [value for value in values[start : start + count] if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found


def column_means(column: Sequence[float], known_steps: int, count: int) -> list[float]:
    """The same of a column that is known beyond the series, whose last `known_steps`th step ends a mean."""
    first = known_steps % count
    groups = (column[start : start + count] for start in range(first, len(column), count))
    return [sum(group) / len(group) for group in groups]


def fine_paths(
    paths: Mapping[float, Sequence[float]], values: Sequence[float | None], count: int, horizon: int
) -> dict[float, list[float]]:
    """Paths of single steps: a line through the means, with bands as much wider as single values lie off it.

    `paths` has the quantile 0.5, too.
    """
    middle, noise = _line(paths[0.5], count, horizon), _noise(values, count)
    found = {}
    for quantile, path in paths.items():
        off = noise[min(int(quantile * len(noise)), len(noise) - 1)] if noise else 0.0
        band = [value - mid for value, mid in zip(_line(path, count, horizon), middle, strict=True)]
        found[quantile] = [
            mid + copysign(hypot(width, off), quantile - 0.5) if quantile != 0.5 else mid
            for mid, width in zip(middle, band, strict=True)
        ]
    return found


def _noise(values: Sequence[float | None], count: int) -> list[float]:
    """How far single values lie off the line through the means, in order."""
    coarse = means(values, count)
    known = [0.0 if mean is None else mean for mean in coarse]
    recent = values[len(values) % count :]
    line = _line(known, count, len(recent))
    pairs = zip(recent, line, (mean is not None for mean in coarse for _ in range(count)), strict=True)
    return sorted(value - said for value, said, has_mean in pairs if value is not None and has_mean)


def _line(means_: Sequence[float], count: int, steps: int) -> list[float]:
    """Each mean in the middle of its steps, straight lines between, level at both ends."""
    found = []
    for step in range(steps):
        place = min(max((step - (count - 1) / 2) / count, 0.0), len(means_) - 1.0)
        low = int(place)
        high = min(low + 1, len(means_) - 1)
        found.append(means_[low] + (place - low) * (means_[high] - means_[low]))
    return found
