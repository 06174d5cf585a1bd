"""The plugin forecast: its error on every series beside well-known libraries, its intervals, and what it costs."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from statistics import fmean, median

from bench.figures import Figure, Goal, Table
from bench.forecast import corpus, libraries
from bench.forecast.kept import ByModel, Kept, our_version
from bench.forecast.libraries import Library
from bench.forecast.scores import HORIZONS, geometric_mean, score_library, score_ours
from collector_plugins.forecast.forecaster import COMBINATION
from collector_plugins.forecast.model_names import PURE

GOALS = {24: Goal(0.70, 0.65), 168: Goal(0.86, 0.82)}
PURE_GOALS = {24: Goal(0.78, 0.72), 168: Goal(0.88, 0.85)}
BESIDE_GOAL = Goal(0.9, 0.8)
WORST_GOAL = Goal(1.03, 1.0)
CPU_GOAL = Goal(0.1, 0.05)
PURE_CPU_GOAL = Goal(0.002, 0.001)
NAMES = {24: "24 h", 168: "7 d"}

BySeries = Mapping[str, ByModel]


def compare(origins: int) -> list[Figure | Table]:
    """Figures and tables, with forecasts from so many starts in each series.

    Series of packages that are not installed, and libraries that are not, are left out. What bench/results keeps of the
    same series, program and version is not measured again.
    """
    beside, kept, ours = libraries.installed(), Kept(), our_version()
    found = {name: _scores(kept, name, values, origins, ours, beside) for name, values in corpus.series().items()}
    names = [each.name for each in beside]
    tables = [_errors(found, names, horizon) for horizon in HORIZONS]
    return [*_figures(found, names), *tables, _intervals(found), _costs(found, [COMBINATION, PURE, *names])]


def _scores(kept: Kept, name: str, values: corpus.Hours, origins: int, ours: str, beside: list[Library]) -> ByModel:
    print(f"forecasting: {name}", file=sys.stderr, flush=True)
    found = dict(kept.scores(name, ours, origins, lambda: score_ours(values, origins)))
    for library in beside:
        found |= kept.scores(name, f"{library.name} {library.version}", origins, partial(_of, library, values, origins))
    return found


def _of(library: Library, values: corpus.Hours, origins: int) -> ByModel:
    return {library.name: score_library(values, origins, library.forecast)}


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
    for horizon in HORIZONS if beside else ():
        worst, series = max((_beside_best(models, beside, horizon), name) for name, models in found.items())
        title = f"Error beside the best library on the worst series, {NAMES[horizon]}"
        figures.append(Figure("forecast", title, "", [worst], goal=WORST_GOAL, note=series))
    seconds = [fmean(models[COMBINATION].seconds) for models in found.values()]
    figures.append(Figure("forecast", "CPU of a forecast with its record", "s", seconds, goal=CPU_GOAL))
    seconds = [fmean(models[PURE].seconds) for models in found.values()]
    return [*figures, Figure("forecast", "CPU of the same without numpy", "s", seconds, goal=PURE_CPU_GOAL)]


def _beside_best(models: ByModel, beside: list[str], horizon: int) -> float:
    return models[COMBINATION].mase(horizon) / min(models[library].mase(horizon) for library in beside)


def _errors(found: BySeries, beside: list[str], horizon: int) -> Table:
    everything = dict.fromkeys(name for models in found.values() for name in models)
    order = [COMBINATION, *beside, *(name for name in everything if name not in {COMBINATION, *beside})]
    lines: list[tuple[str | float, ...]] = []
    for model in order:
        cells = [round(models[model].mase(horizon), 3) if model in models else "" for models in found.values()]
        everywhere = all(model in models for models in found.values())
        lines.append((model, *cells, round(_mean(found, model, horizon), 3) if everywhere else ""))
    if beside:
        ratios = [_beside_best(models, beside, horizon) for models in found.values()]
        mean = geometric_mean(ratios)
        lines.insert(1, (f"{COMBINATION} / best library", *(round(each, 3) for each in (*ratios, mean))))
    title = f"Error {NAMES[horizon]} ahead (MASE: 1 is the error of repeating the last week in training)"
    return Table("forecast", title, ("model", *found, "geometric mean"), lines)


def _intervals(found: BySeries) -> Table:
    lines: list[tuple[str | float, ...]] = []
    for level in (0.8, 0.95):
        shares = [fmean(models[COMBINATION].inside[level]) for models in found.values()]
        lines.append((f"{level:.0%}", *(round(share, 3) for share in (*shares, fmean(shares)))))
    return Table("forecast", "What the intervals of 7 days held", ("interval", *found, "mean"), lines)


def _costs(found: BySeries, models: list[str]) -> Table:
    """The median over all series; the first fit of a library imports or compiles much."""
    lines = [
        (model, round(1000 * median(second for scores in found.values() for second in scores[model].seconds), 1))
        for model in models
    ]
    return Table(
        "forecast", "CPU of a fit and forecast of 7 days with its record, milliseconds", ("model", "ms"), lines
    )
