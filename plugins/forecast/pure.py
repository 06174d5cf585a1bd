"""The forecaster without numpy: fewer models, each a few lines, combined and judged in the same way."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, compress, repeat
from operator import add, sub
from typing import NamedTuple, TypeVar

from collector_plugins.forecast.model_names import PURE
from collector_plugins.forecast.outcome import COMBINATION, Outcome, Outcomes, limits, without_losers
from collector_plugins.forecast.plain_models import Model, Path, medians, models_of
from collector_plugins.forecast.seasons import Seasons

MOST_ENDS = 6
MOST_LONG_ENDS = 3
"""From how many ends, two days apart, all of the horizon is tried; from the others its first day."""
POWER = 6
FAR_WORSE = 1.5
IN_THE_MEDIAN = 3
SMALLEST = 0.02
"""The share in the mean below which a model has none."""
PARTS_OF_DAY = 4
UNSEEN = 0.2
LEVELS = (0.8, 0.95)

T = TypeVar("T")


def fit(
    values: Sequence[float],
    known: Sequence[bool],
    seasons: Seasons,
    horizon: int,
    quantiles: Sequence[float],
    outside: Sequence[Sequence[float]] = (),
) -> Outcomes:
    """Fit all models to a series without gaps, of whose values some are `known` and the others filled in.

    No model uses what is known from `outside`.
    """
    del outside
    return partial(_Fit(list(values), known, seasons, horizon).outcome, sorted(quantiles))


class _Fit:
    def __init__(self, values: Path, known: Sequence[bool], seasons: Seasons, horizon: int) -> None:
        models = models_of(values, seasons, horizon)
        ends = _ends(len(values), seasons, horizon)
        self._names = tuple(models)
        self._trials = max(1, len(ends) - 1)
        self._parts = _parts(values, known, ends, seasons.day, list(models.values()))
        sizes = [list(map(part.size, part.paths)) for part in self._parts]
        shares = _all_shares(self._parts, sizes)
        self._weights = shares[0]
        self._mixed = [_mixed(part.paths, each) for part, each in zip(self._parts, shares, strict=True)]
        self._relative = _relative_errors(self._names, sizes, sum(map(_Part.size, self._parts, self._mixed)))
        self._bounds = _bounds(values, known, seasons, horizon)

    def outcome(self, quantiles: Sequence[float], model: str) -> Outcome:
        """The paths of the asked model, and what stands behind them."""
        model = self._shown(model)
        mixed, shares = self._mixed, self._weights
        if model != PURE:
            place = self._names.index(model)
            mixed = [part.paths[place] for part in self._parts]
            shares = [float(name == model) for name in self._names]
        bands = _Bands(self._parts, mixed, self._trials)
        path = _joined(map(_Part.ahead, self._parts, mixed))
        pools = _joined(part.ahead(part.pools) for part in self._parts)
        paths = {each: _held(map(add, path, bands.offsets(each, pools)), *self._bounds) for each in quantiles}
        weights = dict(zip(self._names, shares, strict=True))
        return Outcome(paths, model, weights, without_losers(self._relative, model), bands.coverage(), self._names)

    def _shown(self, model: str) -> str:
        """The model that forecasts: the naive one where the combination loses to it."""
        if model in self._names:
            return model
        if model not in {COMBINATION, PURE}:
            raise ValueError(
                f"no model is called {model!r} without numpy: {', '.join((COMBINATION, *self._names))}; "
                "pip install 'energy-collector[forecast]' for more"
            )
        return self._names[0] if self._relative.get(PURE, 0.0) > 1 else PURE


class _Part(NamedTuple):
    """Some steps of the horizon, from several earlier ends of the series and last from its own, one after the other.

    `paths` are those of each model. `actual` is what came true and `known` which of it, both shorter, since nobody
    knows that of the last end yet. `pools` says of each step which others are as hard to tell.
    """

    paths: Sequence[Path]
    actual: Path
    known: Sequence[bool]
    pools: Sequence[int]

    def size(self, path: Path) -> float:
        """The sum of the errors of a path."""
        errors: Iterator[float] = map(abs, map(sub, self.actual, path))
        return sum(compress(errors, self.known))

    def ahead(self, steps: Sequence[T]) -> Sequence[T]:
        """Those from the end of the series."""
        return steps[len(self.actual) :]


def _parts(
    values: Path, known: Sequence[bool], ends: Sequence[tuple[int, int]], day: int, models: Sequence[Model]
) -> list[_Part]:
    """The first day and all further ones: different models are good at them."""
    horizon = ends[-1][1]
    said = [[model(end, steps) for end, steps in ends] for model in models]
    of_day = [PARTS_OF_DAY * (step % day) // day for step in range(horizon)]
    parts = []
    for number, start in enumerate(range(0, horizon, day)[:2]):
        steps = slice(start, horizon if number else day)
        there = [slice(end + start, end + min(count, steps.stop)) for end, count in ends]
        parts.append(
            _Part(
                [_joined(path[steps] for path in paths) for paths in said],
                _joined(values[each] for each in there),
                _joined(known[each] for each in there),
                _joined([number * PARTS_OF_DAY + each for each in of_day[:count][steps]] for _, count in ends),
            )
        )
    return parts


def _joined(pieces: Iterable[Sequence[T]]) -> list[T]:
    return list(chain.from_iterable(pieces))


def _ends(count: int, seasons: Seasons, horizon: int) -> list[tuple[int, int]]:
    """From which places the models forecast how many steps; the last is the end of the series."""
    day = seasons.day
    earliest = count % day + 2 * (seasons.week if seasons.seasonal else day)
    ends = range(count - day, earliest - 1, -day)[:MOST_ENDS]
    long_ones = ends[1 : 2 * MOST_LONG_ENDS : 2] or ends
    tried = [(end, min(count - end, horizon if end in long_ones else day, horizon)) for end in ends]
    return [*tried, (count, horizon)]


def _all_shares(parts: Sequence[_Part], sizes: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """How models are combined; as in the first part where nothing of a later one has come true yet."""
    found = list[Sequence[float]]()
    for part, errors in zip(parts, sizes, strict=True):
        is_known = any(part.known)
        found.append(_shares(errors if is_known else [1.0] * len(errors)) if is_known or not found else found[0])
    return found


def _shares(sizes: Sequence[float]) -> Sequence[float]:
    """The share of each model in the weighted mean, by its error; of one that would have next to none 0."""
    floor = max(max(sizes) * 1e-12, 1e-300)
    best = max(min(sizes), floor)
    found = [(best / max(size, floor)) ** POWER for size in sizes]
    least = SMALLEST * sum(found)
    found = [share if share > least else 0.0 for share in found]
    return [share / sum(found) for share in found]


def _mixed(paths: Sequence[Path], shares: Sequence[float]) -> Path:
    """Half the weighted mean, half the median of the best, without those that are far worse."""
    halves = [[share / 2 * value for value in path] for share, path in zip(shares, paths, strict=True) if share]
    good = max(max(shares) / FAR_WORSE**POWER, sorted(shares)[-IN_THE_MEDIAN:][0])
    middles = medians([path for path, share in zip(paths, shares, strict=True) if share >= good])
    return list(map(sum, zip(*halves, [value / 2 for value in middles], strict=True)))


def _relative_errors(names: Sequence[str], sizes: Sequence[Sequence[float]], mixed: float) -> dict[str, float]:
    """The error of each model over that of the first, naive one; nothing where that has none."""
    whole = [sum(each) for each in zip(*sizes, strict=True)]
    found = zip((*names, PURE), (*whole, mixed), strict=True)
    return {name: size / whole[0] for name, size in found} if whole[0] else {}


def _held(values: Iterable[float], low: float, high: float) -> Path:
    return list(map(min, map(max, values, repeat(low)), repeat(high)))


def _bounds(values: Sequence[float], known: Sequence[bool], seasons: Seasons, horizon: int) -> tuple[float, float]:
    low, high = limits(list(compress(values, known)))
    if seasons.seasonal:
        return low, high
    reach = (values[-1] - values[0]) / max(1, len(values) - 1) * horizon
    return min(low, low + reach) if low < 0 else low, max(high, high + reach)


class _Bands:
    """How wide intervals are, by the size of the errors of steps that are as hard to tell."""

    def __init__(self, parts: Sequence[_Part], paths: Sequence[Path], ends: int) -> None:
        self._ends = ends
        self._pools = defaultdict[int, list[float]](list)
        for part, path in zip(parts, paths, strict=True):
            errors = map(abs, map(sub, part.actual, path))
            for number, error in compress(zip(part.pools, errors, strict=False), part.known):
                self._pools[number].append(error)
        for pool in self._pools.values():
            pool.sort()

    def offsets(self, quantile: float, pools: Sequence[int]) -> list[float]:
        """What to add to the steps of a path for a quantile: the size of errors that its share of them stays within."""
        sign = (quantile > 0.5) - (quantile < 0.5)
        widths = self._widths(abs(2 * quantile - 1))
        longest = max(widths.values(), default=0.0)
        width = {pool: widths.get(pool, widths.get(pool % PARTS_OF_DAY, longest)) for pool in set(pools)}
        return [sign * width[pool] for pool in pools]

    def coverage(self) -> dict[float, float]:
        """How many of the errors are within the interval of a level."""
        count = sum(map(len, self._pools.values()))
        found = {}
        for level in LEVELS if count else ():
            widths = self._widths(level)
            found[level] = sum(bisect_right(pool, widths[number]) for number, pool in self._pools.items()) / count
        return found

    def _widths(self, share: float) -> dict[int, float]:
        share = min(share * (1 + UNSEEN / self._ends), 1 - (1 - share) / 3)
        return {number: _at(pool, share) for number, pool in self._pools.items()}


def _at(ordered: Sequence[float], share: float) -> float:
    place = min(max(share * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
