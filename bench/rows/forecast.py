"""The plugin forecast: its error on every series beside well-known libraries, its intervals, and what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from bench.effort import Effort
from bench.figures import Figure, Goal, Table
from bench.forecast import corpus, libraries
from bench.forecast.scores import HORIZONS, Scores, geometric_mean, score
from collector_plugins.forecast.forecaster import COMBINATION
from collector_plugins.forecast.pure import PURE

GOALS = {24: Goal(0.70, 0.65), 168: Goal(0.86, 0.82)}
PURE_GOALS = {24: Goal(0.78, 0.72), 168: Goal(0.88, 0.85)}
BESIDE_GOAL = Goal(0.9, 0.8)
CPU_GOAL = Goal(0.1, 0.05)
NAMES = {24: "24 h", 168: "7 d"}

ByModel = Mapping[str, Scores]
BySeries = Mapping[str, ByModel]


def measure(effort: Effort) -> list[Figure | Table]:
    """Series of packages that are not installed, and libraries that are not, are left out of the tables."""
    beside = libraries.installed()
    found = {name: score(values, effort.forecasts, beside) for name, values in corpus.series().items()}
    tables = [_errors(found, horizon) for horizon in HORIZONS]
    return [*_figures(found, list(beside)), *tables, _intervals(found), _costs(found)]


def _mean(found: BySeries, model: str, horizon: int) -> float:
    return geometric_mean([models[model].mase(horizon) for models in found.values()])


def _figures(found: BySeries, beside: list[str]) -> list[Figure | Table]:
    figures: list[Figure | Table] = []
    for model, goals in ((COMBINATION, GOALS), (PURE, PURE_GOALS)):
        for horizon in HORIZONS:
            title = f"Error of the {model}, {NAMES[horizon]} (MASE, geometric mean)"
            figures.append(Figure("forecast", title, "", [_mean(found, model, horizon)], goal=goals[horizon]))
    for library in beside:
        for horizon in HORIZONS:
            pair = [_mean(found, COMBINATION, horizon)], [_mean(found, library, horizon)]
            figures.append(Figure("forecast", f"Error beside {library}, {NAMES[horizon]}", "", *pair, goal=BESIDE_GOAL))
    seconds = [fmean(models[COMBINATION].seconds) for models in found.values()]
    return [*figures, Figure("forecast", "CPU of a forecast with its record", "s", seconds, goal=CPU_GOAL)]


def _errors(found: BySeries, horizon: int) -> Table:
    models = list(dict.fromkeys(name for scores in found.values() for name in scores))
    lines: list[tuple[str | float, ...]] = []
    for model in models:
        cells = [round(scores[model].mase(horizon), 3) if model in scores else "" for scores in found.values()]
        everywhere = all(model in scores for scores in found.values())
        lines.append((model, *cells, round(_mean(found, model, horizon), 3) if everywhere else ""))
    title = f"Error {NAMES[horizon]} ahead (MASE: 1 is repeating the last week)"
    return Table("forecast", title, ("model", *found, "geometric mean"), lines)


def _intervals(found: BySeries) -> Table:
    lines: list[tuple[str | float, ...]] = []
    for level in (0.8, 0.95):
        shares = [fmean(models[COMBINATION].inside[level]) for models in found.values()]
        lines.append((f"{level:.0%}", *(round(share, 3) for share in (*shares, fmean(shares)))))
    return Table("forecast", "What the intervals of 7 days held", ("interval", *found, "mean"), lines)


def _costs(found: BySeries) -> Table:
    first = next(iter(found.values()))
    lines = [(model, round(1000 * fmean(each.seconds), 1)) for model, each in first.items()]
    return Table("forecast", "CPU of a fit and forecast of 7 days, milliseconds", ("model", "ms"), lines)
