"""The forecaster without numpy: fewer models, each a few lines, combined and judged in the same way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median

from collector_plugins.forecast.outcome import COMBINATION, Outcome, limits
from collector_plugins.forecast.seasons import Seasons

PURE = "combination without numpy"
MOST_ENDS = 10
POWER = 6
FAR_WORSE = 1.5
WEEKS, DAYS = 8, 14
PARTS_OF_DAY = 4
UNSEEN = 0.4

Path = list[float]
Model = Callable[[Sequence[float], Seasons, int], Path]


def forecast_values(
    values: Sequence[float],
    known: Sequence[bool],
    seasons: Seasons,
    horizon: int,
    quantiles: Sequence[float],
    model: str,
    outside: Sequence[Sequence[float]] = (),
) -> Outcome:
    """Forecast the next steps of a series without gaps, of whose values some are `known` and the others filled in.

    No model uses what is known from `outside`. Raises `ValueError` where no model is called so.
    """
    del outside
    models = _models(seasons)
    if model not in {COMBINATION, PURE, *models}:
        raise ValueError(
            f"no model is called {model!r} without numpy: {', '.join((COMBINATION, *models))}; "
            "pip install 'energy-collector[forecast]' for more"
        )
    low, high = limits([value for value, is_known in zip(values, known, strict=True) if is_known])
    if not seasons.seasonal:
        reach = (values[-1] - values[0]) / max(1, len(values) - 1) * horizon
        low, high = min(low, low + reach) if low < 0 else low, max(high, high + reach)
    actual = [value if is_known else None for value, is_known in zip(values, known, strict=True)]
    trials = [_Trial(values, actual, end, seasons, horizon, models) for end in _ends(len(values), seasons)]
    last = _Trial(values, actual, len(values), seasons, horizon, models)
    shares = _shares(trials, list(models))
    weights = {name: float(name == model) for name in models} if model in models else shares
    path = last.combined(weights)
    errors = [trial.errors(trial.combined(weights)) for trial in trials]
    bands = {quantile: _moved(path, errors, quantile, seasons.day, (low, high)) for quantile in sorted(quantiles)}
    name = model if model in models else PURE
    return Outcome(
        bands, name, weights, _mase(trials, list(models), weights), _coverage(errors, path, seasons.day), tuple(models)
    )


@dataclass
class _Trial:
    """What each model says from one end of the series, and what came true."""

    values: Sequence[float]
    actual: Sequence[float | None]
    end: int
    seasons: Seasons
    horizon: int
    models: dict[str, Model]

    def __post_init__(self) -> None:
        past = self.values[: self.end]
        self.paths = {name: model(past, self.seasons, self.horizon) for name, model in self.models.items()}

    def errors(self, path: Path) -> list[float | None]:
        """What came true minus the path, as far as it is known."""
        came = self.actual[self.end : self.end + self.horizon]
        return [None if value is None else value - said for value, said in zip(came, path, strict=False)]

    def combined(self, weights: dict[str, float]) -> Path:
        """Half the weighted mean, half the median of those that are not far worse; a single model as it is."""
        if max(weights.values()) == 1.0:
            return self.paths[max(weights, key=lambda name: weights[name])]
        shares = [weights[name] for name in self.paths]
        near = [place for place, share in enumerate(shares) if share >= max(shares) / FAR_WORSE**POWER]
        return [
            0.5 * sum(share * value for share, value in zip(shares, column, strict=True))
            + 0.5 * median([column[place] for place in near])
            for column in zip(*self.paths.values(), strict=True)
        ]


def _ends(count: int, seasons: Seasons) -> list[int]:
    fewest = 2 * seasons.week if seasons.seasonal else 2 * seasons.day
    ends = range(count - seasons.day, max(fewest, 1) - 1, -seasons.day)
    return list(ends)[:MOST_ENDS]


def _size(trials: Sequence[_Trial], path_of: Callable[[_Trial], Path]) -> float | None:
    sizes = [abs(error) for trial in trials for error in trial.errors(path_of(trial)) if error is not None]
    return fmean(sizes) if sizes else None


def _shares(trials: Sequence[_Trial], names: Sequence[str]) -> dict[str, float]:
    sizes = {name: _size(trials, lambda trial, name=name: trial.paths[name]) for name in names}  # type: ignore[misc]
    known = {name: size for name, size in sizes.items() if size is not None}
    if not known:
        return dict.fromkeys(names, 1 / len(names))
    floor = max(max(known.values()) * 1e-12, 1e-300)
    best = max(min(known.values()), floor)
    shares = {name: (best / max(size, floor)) ** POWER for name, size in known.items()}
    return {name: share / sum(shares.values()) for name, share in shares.items()}


def _mase(trials: Sequence[_Trial], names: Sequence[str], weights: dict[str, float]) -> dict[str, float]:
    """Errors over that of the first, naive model; those that lose to it are left out."""
    naive = _size(trials, lambda trial: trial.paths[names[0]])
    if not naive:
        return {}
    ways: dict[str, Callable[[_Trial], Path]] = {name: partial(_path_of, name=name) for name in names}
    ways[COMBINATION] = lambda trial: trial.combined(weights)
    found = {name: (_size(trials, way) or 0.0) / naive for name, way in ways.items()}
    return {name: each for name, each in found.items() if each <= 1}


def _path_of(trial: _Trial, name: str) -> Path:
    return trial.paths[name]


def _moved(
    path: Path, errors: Sequence[list[float | None]], quantile: float, day: int, bounds: tuple[float, float]
) -> Path:
    """The path, moved by the errors' size that the share of the quantile stays within."""
    sign = (quantile > 0.5) - (quantile < 0.5)
    widths = _widths(errors, abs(2 * quantile - 1), day, len(path)) if sign else [0.0] * len(path)
    return [min(max(value + sign * width, bounds[0]), bounds[1]) for value, width in zip(path, widths, strict=True)]


def _part(step: int, day: int) -> int:
    """Parts of the first day, and of all further days together."""
    part = step % day * PARTS_OF_DAY // day
    return part if step < day else part + PARTS_OF_DAY


def _widths(errors: Sequence[list[float | None]], share: float, day: int, horizon: int) -> list[float]:
    share = min(share * (1 + UNSEEN / max(1, len(errors))), 1 - (1 - share) / 3)
    sizes: dict[int, list[float]] = {}
    for row in errors:
        for step, error in enumerate(row):
            if error is not None:
                sizes.setdefault(_part(step, day), []).append(abs(error))
    widths = {part: _at(sorted(found), share) for part, found in sizes.items()}
    longest = max(widths.values(), default=0.0)
    return [
        widths.get(_part(step, day), widths.get(_part(step, day) % PARTS_OF_DAY, longest)) for step in range(horizon)
    ]


def _at(ordered: Sequence[float], share: float) -> float:
    place = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def _coverage(errors: Sequence[list[float | None]], path: Path, day: int) -> dict[float, float]:
    found = {}
    for level in (0.8, 0.95):
        widths = _widths(errors, level, day, len(path))
        inside = [abs(error) <= widths[step] for row in errors for step, error in enumerate(row) if error is not None]
        if inside:
            found[level] = fmean(inside)
    return found


def _models(seasons: Seasons) -> dict[str, Model]:
    if not seasons.seasonal:
        return {"naive": _last_value, "drift": _drift, "smoothed": _smoothed, "median": _median_value}
    models: dict[str, Model] = {"seasonal_naive": _last_week}
    if seasons.week > seasons.day:
        models |= {"yesterday": _last_day, "median_weeks": _median_of_weeks}
    week = {"weighted_week": partial(_weighted_week, decay=0.75, damping=0.9)}
    return (
        models
        | {"median_days": _median_of_days}
        | week
        | {"slow_week": partial(_weighted_week, decay=0.9, damping=0.6)}
    )


def _last_value(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    del seasons
    return [past[-1]] * horizon


def _drift(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    del seasons
    recent = past[-4 * horizon :]
    slope = (recent[-1] - recent[0]) / max(1, len(recent) - 1)
    return [past[-1] + slope * step for step in range(1, horizon + 1)]


def _smoothed(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    del seasons
    recent = past[-16:]
    weights = [0.75 ** (len(recent) - place) for place in range(len(recent))]
    return [sum(w * value for w, value in zip(weights, recent, strict=True)) / sum(weights)] * horizon


def _median_value(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    del seasons
    return [median(past[-200:])] * horizon


def _repeated(season: Sequence[float], horizon: int) -> Path:
    return [season[step % len(season)] for step in range(horizon)]


def _last_day(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    return _repeated(past[-seasons.day :], horizon)


def _last_week(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    return _repeated(past[-seasons.week :], horizon)


def _columns(past: Sequence[float], period: int, most: int) -> list[Sequence[float]]:
    """What was seen at each step of the period, the earliest first."""
    count = min(most, len(past) // period)
    recent = past[len(past) - count * period :]
    return [recent[step::period] for step in range(period)]


def _median_of_weeks(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    return _repeated([median(column) for column in _columns(past, seasons.week, 4)], horizon)


def _median_of_days(past: Sequence[float], seasons: Seasons, horizon: int) -> Path:
    return _repeated([median(column) for column in _columns(past, seasons.day, DAYS)], horizon)


def _weighted_week(past: Sequence[float], seasons: Seasons, horizon: int, *, decay: float, damping: float) -> Path:
    """The weighted mean week, on the level of the last day, which is forgotten by and by."""
    columns = _columns(past, seasons.week, WEEKS)
    weights = [decay ** (len(columns[0]) - place) for place in range(len(columns[0]))]
    total = sum(weights)
    week = [sum(w * value for w, value in zip(weights, column, strict=True)) / total for column in columns]
    shift = fmean(past[-seasons.day :]) - fmean(week[-seasons.day :])
    path = _repeated(week, horizon)
    return [value + shift * damping ** (step / seasons.day + 0.5) for step, value in enumerate(path)]
