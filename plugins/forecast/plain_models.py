"""The models that need no numpy, each from any place in the series; what they share is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, repeat
from operator import mul

from collector_plugins.forecast.seasons import Seasons

WEEKS, DAYS = 4, 14
DECAY, DAMPING = 0.75, 0.9
LEVELS, MEMORY = 200, 16

Path = list[float]
Model = Callable[[int, int], Path]
"""Says what comes after so many values of the series, in so many steps, from nothing later."""
Models = Mapping[str, Model]


def models_of(values: Path, seasons: Seasons, horizon: int) -> Models:
    """The models of a series, the naive one first."""
    return _seasonal(values, seasons, horizon) if seasons.seasonal else _without_seasons(values, horizon)


def _seasonal(values: Path, seasons: Seasons, horizon: int) -> Models:
    day, week = seasons.day, seasons.week
    models: dict[str, Model] = {"seasonal_naive": partial(_repeated, values, week)}
    if week > day:
        models |= {
            "yesterday": partial(_repeated, values, day),
            "median_weeks": partial(_middle, values, week, WEEKS),
        }
    return models | {
        "median_days": partial(_middle, values, day, DAYS),
        "weighted_week": _weighted_week(values, seasons, horizon),
    }


def _repeated(values: Path, period: int, end: int, steps: int) -> Path:
    """The last period, over and over."""
    return _cycle(values[end - period : end], steps)


def _middle(values: Path, period: int, most: int, end: int, steps: int) -> Path:
    """The median of each step of the last periods, of those that there are."""
    starts = range(end - period, -1, -period)[:most]
    length = min(period, steps)
    return _cycle(medians([values[start : start + length] for start in starts]), steps)


def _weighted_week(values: Path, seasons: Seasons, horizon: int) -> Model:
    """The weighted mean week, on the level of the last day, which is forgotten by and by.

    `means` begins with an empty week: after so many values, the week from that place on is what they say of the next.
    """
    day, week = seasons.day, seasons.week
    fading = list(accumulate(repeat(DAMPING ** (1 / day), horizon - 1), mul, initial=DAMPING**0.5))
    means, weight = [0.0] * week, 0.0
    for start in range(0, len(values), week):
        share = 1 / (1 + weight)
        pairs = zip(values[start : start + week], means[-week:], strict=False)
        means += [mean + share * (value - mean) for value, mean in pairs]
        weight = DECAY * (1 + weight)

    def path(end: int, steps: int) -> Path:
        mean = means[end : end + week]
        shift = (sum(values[end - day : end]) - sum(mean[-day:])) / day
        return [value + shift * share for value, share in zip(_cycle(mean, steps), fading, strict=False)]

    return path


def _cycle(period: Path, steps: int) -> Path:
    return (period * -(-steps // len(period)))[:steps]


def _without_seasons(values: Path, horizon: int) -> Models:
    def of_past(model: Callable[[Path, int], Path]) -> Model:
        return lambda end, steps: model(values[:end], horizon)[:steps]

    models = {"naive": _last_value, "drift": _drift, "smoothed": _smoothed, "median": _median_value}
    return {name: of_past(model) for name, model in models.items()}


def _last_value(past: Path, horizon: int) -> Path:
    return [past[-1]] * horizon


def _drift(past: Path, horizon: int) -> Path:
    recent = past[-4 * horizon :]
    slope = (recent[-1] - recent[0]) / max(1, len(recent) - 1)
    return [past[-1] + slope * step for step in range(1, horizon + 1)]


def _smoothed(past: Path, horizon: int) -> Path:
    recent = past[-MEMORY:]
    weights = [0.75 ** (len(recent) - place) for place in range(len(recent))]
    return [sum(w * value for w, value in zip(weights, recent, strict=True)) / sum(weights)] * horizon


def _median_value(past: Path, horizon: int) -> Path:
    return medians([[value] for value in past[-LEVELS:]]) * horizon


def medians(paths: Sequence[Sequence[float]]) -> Path:
    """At each step the median of the paths, of which there is at least one."""
    low, high = (len(paths) - 1) // 2, len(paths) // 2
    return [(column[low] + column[high]) / 2 for column in map(sorted, zip(*paths, strict=True))]
