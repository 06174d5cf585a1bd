"""What a forecast adds up to in a day or month, and the highest value of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from collector_plugins.forecast.messages import Job
from collector_plugins.forecast.scenarios import courses, quantiles_of

DAY, WEEK = 86_400.0, 7 * 86_400.0


class Sums:
    """Sums of the values of a job's series, measured and forecast, times seconds: of watts these are joules."""

    def __init__(self, job: Job, quantiles: Mapping[float, Sequence[float]], minimum: float | None) -> None:
        self._job = job
        self._quantiles = quantiles
        self._minimum = minimum
        self._start = job.series.start + job.series.step * len(job.series.values)

    def total(self, start: float, end: float, prices: Sequence[float] | None = None) -> dict[float, float]:
        """The sum from `start` to `end`; what is not known of the past adds nothing.

        What is beyond the forecast is as in its last week, or its last day where it has no week. With `prices`, one for
        each step of the series and the horizon, it is the sum of what the steps cost.
        """
        step, past = self._job.series.step, len(self._job.series.values)
        prices = prices or [1.0] * (past + self._job.horizon_steps)
        measured = sum(
            value * overlap * prices[number]
            for number, value in enumerate(self._job.series.values)
            if value is not None and (overlap := _overlap(self._job.series.start + number * step, step, start, end)) > 0
        )
        weights = [weight * price for weight, price in zip(self._weights(start, end), prices[past:], strict=True)]
        totals = [
            measured + sum(value * weight for value, weight in zip(course, weights, strict=True))
            for course in self._courses
        ]
        return quantiles_of(totals, self._job.quantiles)

    def peak(self) -> dict[float, float]:
        """Quantiles of the highest value; none where the forecast does not reach to the end of that period."""
        return quantiles_of(self._peaks, self._job.quantiles) if self._peaks else {}

    def above_limit(self) -> float | None:
        """How probable it is that the highest value is above the limit."""
        limit, peaks = self._job.limit, self._peaks
        return None if limit is None or not peaks else sum(peak > limit for peak in peaks) / len(peaks)

    @cached_property
    def _courses(self) -> list[list[float]]:
        return courses(self._quantiles, self._job.series.step, self._job.name, self._minimum)

    @cached_property
    def _peaks(self) -> list[float]:
        if self._job.peak is None:
            return []
        weights = self._weights(*self._job.peak)
        step = self._job.series.step
        if self._start + step * len(weights) < self._job.peak[1]:
            return []
        return [max(value for value, weight in zip(course, weights, strict=True) if weight) for course in self._courses]

    def _weights(self, start: float, end: float) -> list[float]:
        """How many seconds of each step are in a period, those of steps beyond the forecast added to the like."""
        step, steps = self._job.series.step, self._job.horizon_steps
        reach = self._start + step * steps
        weights = [max(0.0, _overlap(self._start + number * step, step, start, end)) for number in range(steps)]
        season = round((WEEK if reach - self._start >= WEEK else DAY) / step)
        if season > steps:
            return weights
        number = steps
        while self._start + number * step < end:
            weights[steps - season + (number - steps) % season] += max(
                0.0, _overlap(self._start + number * step, step, start, end)
            )
            number += 1
        return weights


def _overlap(time: float, step: float, start: float, end: float) -> float:
    return min(time + step, end) - max(time, start)
