"""What the history has of a series: one value for each step, of one or several series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from collector_core import History, NotAvailable, PastSeries, Reason, Selector
from collector_plugins.forecast.series import TimeSeries
from collector_plugins.forecast.specs import Spec

MOST_STEPS = 12_000
GONE_SECONDS = 86_400.0  # a series of a sum that is away for longer is gone; for less, the sum is not known
UNIT_OF_RATE = {"joules": "watts", "": "per_second"}


class NoPast(NotAvailable):
    """The history has nothing of the series, or no longer has."""


@dataclass(frozen=True)
class Past:
    """The values of a series up to the last complete step, and their unit."""

    values: TimeSeries
    unit: str


def read_past(history: History, spec: Spec, now: float, period: float) -> Past:
    """The last `period` seconds, at most `MOST_STEPS` steps.

    Raises `NoPast` where there is nothing, or nothing of the last day, and `HistoryUnavailable`.
    """
    steps = min(int(period / spec.step), MOST_STEPS)
    end = floor(now / spec.step) * spec.step
    start = end - steps * spec.step
    found, is_counter = query_steps(history, spec.selector, start, end, spec.step)
    values = combine(found, spec.kind, start, spec.step, steps)
    known = [place for place, value in enumerate(values) if value is not None]
    if not known:
        raise NoPast(
            Reason.NOT_FOUND,
            f"the history has nothing of {spec.selector.text} in the last {period / 86_400:g} days",
            fix="energy-collector history list   # says what is kept; `history: {series: […]}` keeps more",
        )
    if (steps - known[-1]) * spec.step > max(GONE_SECONDS, 4 * spec.step):
        raise NoPast(Reason.NOT_FOUND, f"nothing of {spec.selector.text} was published for more than a day")
    units = {each.unit for each in found}
    unit = units.pop() if len(units) == 1 else ""
    unit = UNIT_OF_RATE.get(unit, f"{unit}_per_second") if is_counter else unit
    return Past(TimeSeries(start + known[0] * spec.step, spec.step, values[known[0] :]), unit)


def query_steps(
    history: History, selector: Selector, start: float, end: float, step: float
) -> tuple[Sequence[PastSeries], bool]:
    """The mean of each step, the rate of counters, and whether these are counters; raises `HistoryUnavailable`."""
    found = history.query(selector, start, end, step=step)
    if not any(each.is_counter for each in found):
        return found, False
    return history.query(selector, start, end, step=step, fn="rate"), True


def combine(found: Sequence[PastSeries], kind: str, start: float, step: float, steps: int) -> list[float | None]:
    """The sum or mean of several series for each step from `start` on; None where it is not known.

    A sum is not known while one of its series is away for less than a day: it would be too small.
    """
    sums, counts = [0.0] * steps, [0] * steps
    partial = set[int]()
    for each in found:
        last = None
        for time, value in each.points:
            place = round((time - start) / step)
            if not 0 <= place < steps:
                continue
            sums[place] += value
            counts[place] += 1
            if last is not None and 1 < place - last <= GONE_SECONDS / step:
                partial.update(range(last + 1, place))
            last = place
    if kind == "mean":
        return [total / count if count else None for total, count in zip(sums, counts, strict=True)]
    return [
        total if count and place not in partial else None
        for place, (total, count) in enumerate(zip(sums, counts, strict=True))
    ]
