"""Tries the forecaster on a series' own past: what it would have said, and what came true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from collector_plugins.forecast.forecaster import FEWEST, Forecast, fit
from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.outcome import COMBINATION
from collector_plugins.forecast.seasons import DAY, find_seasons
from collector_plugins.forecast.series import TimeSeries, TooShort

LEVELS = {0.8: (0.1, 0.9), 0.95: (0.025, 0.975)}
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
TRAINING_SHARE = 0.5
LONGEST_TRAINING = 56 * DAY


@dataclass
class Score:
    """How one model did: its error over that of the naive one's on the training data, and what its intervals held."""

    model: str
    errors: list[float] = field(default_factory=list)
    inside: dict[float, list[float]] = field(default_factory=lambda: {level: [] for level in LEVELS})
    seconds: list[float] = field(default_factory=list)

    @property
    def mase(self) -> float:
        """Mean absolute scaled error: below 1 is better than repeating the last season was on the training data."""
        return fmean(self.errors)

    @property
    def coverage(self) -> dict[float, float]:
        """The share of values that the intervals of each level held."""
        return {level: fmean(each) for level, each in self.inside.items()}

    def add(self, said: Forecast, actual: Sequence[float | None], scale: float) -> None:
        """Judge one forecast."""
        known = [(step, value) for step, value in enumerate(actual) if value is not None]
        self.errors.append(fmean(abs(said.quantiles[0.5][step] - value) for step, value in known) / scale)
        for level, (low, high) in LEVELS.items():
            bands = said.quantiles[low], said.quantiles[high]
            self.inside[level].append(fmean(bands[0][step] <= value <= bands[1][step] for step, value in known))
        self.seconds.append(said.seconds)


def backtest(
    series: TimeSeries,
    horizon_steps: int,
    origins: int,
    models: Sequence[str] = (),
) -> list[Score]:
    """Forecast from `origins` earlier times, spread evenly; by default with the combination and each of its models.

    Each forecast learns from at most eight weeks before it; what is fitted to them serves all models. The best comes
    first, without models that there are at some of the times only: with little data there are fewer. Raises `TooShort`
    where there is no room for training and horizon.
    """
    scores: dict[str, Score] = {}
    tried = 0
    for start in _starts(series, horizon_steps, origins):
        training = _before(series, start)
        actual = series.values[start : start + horizon_steps]
        scale = naive_error(training)
        if scale > 0 and any(value is not None for value in actual):
            tried += 1
            for name, said in _forecasts(training, horizon_steps, models):
                scores.setdefault(name, Score(name)).add(said, actual, scale)
    if not scores:
        raise TooShort("the series repeats itself without any error, or has no values to compare", fix="other data")
    return sorted((each for each in scores.values() if len(each.errors) == tried), key=lambda score: score.mase)


def naive_error(series: TimeSeries) -> float:
    """The mean absolute error of repeating the last week (else the last day, else the last value) within the series."""
    values = fill_gaps(series.values, round(DAY / series.step))
    seasons = find_seasons(values, series.step, 1)
    lag = seasons.week if seasons.seasonal else 1
    return fmean(abs(later - earlier) for later, earlier in zip(values[lag:], values, strict=False))


def _forecasts(training: TimeSeries, horizon_steps: int, models: Sequence[str]) -> Iterator[tuple[str, Forecast]]:
    """What the models say, by name: those that are asked for, or the combination and all that there are."""
    fitted = fit(training, horizon_steps, QUANTILES)
    if not models:
        combined = fitted(COMBINATION)
        models = combined.competitors
        yield COMBINATION, combined
    for name in dict.fromkeys(models):
        yield name, fitted(name)


def _starts(series: TimeSeries, horizon_steps: int, origins: int) -> list[int]:
    count = len(series.values)
    last = count - horizon_steps
    first = min(round(LONGEST_TRAINING / series.step), round(count * TRAINING_SHARE))
    if last < max(first, FEWEST):
        missing = max(2 * horizon_steps, FEWEST + horizon_steps)
        raise TooShort(f"{count} steps are too few to try a horizon of {horizon_steps}", fix=f"at least {missing}")
    return sorted({first + round((last - first) * place / max(1, origins - 1)) for place in range(origins)})


def _before(series: TimeSeries, end: int) -> TimeSeries:
    first = max(0, end - round(LONGEST_TRAINING / series.step))
    return TimeSeries(series.start + first * series.step, series.step, series.values[first:end])
