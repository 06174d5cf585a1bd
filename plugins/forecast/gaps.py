"""Fills the gaps of a series, so that models can be fitted to it."""

from __future__ import annotations

from collections.abc import Sequence


def fill_gaps(values: Sequence[float | None], day: int) -> list[float]:
    """A straight line across short gaps; across longer ones what was there a day (`day` steps) before or after.

    At least one value must be known.
    """
    filled = list(values)
    for start, end in _gaps(values):
        left = filled[start - 1] if start else None
        right = values[end] if end < len(values) else None
        for place in range(start, end):
            filled[place] = _line(place, start, end, left, right)
            if end - start > max(2, day // 6):
                other = _same_time(values, filled, place, start, day)
                filled[place] = filled[place] if other is None else other
    return [value for value in filled if value is not None]


def _gaps(values: Sequence[float | None]) -> list[tuple[int, int]]:
    found, start = [], None
    for place, value in enumerate([*values, 0.0]):
        if value is None:
            start = place if start is None else start
        elif start is not None:
            found.append((start, place))
            start = None
    return found


def _line(place: int, start: int, end: int, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return right if left is None else left
    share = (place - start + 1) / (end - start + 1)
    return left * (1 - share) + right * share


def _same_time(
    values: Sequence[float | None], filled: Sequence[float | None], place: int, start: int, day: int
) -> float | None:
    if place >= day and start:
        return filled[place - day]
    return values[place + day] if place + day < len(values) else None
