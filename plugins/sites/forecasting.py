"""Forecasts of sites' power and hash rate, and of series that are sent; asked of whichever plugin forecasts."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from collector_core import (
    ApiError,
    Field,
    ForecastedSeries,
    History,
    NotAvailable,
    Query,
    Reason,
    Selector,
    SelectorText,
    find_forecaster,
    parse_duration,
)
from collector_plugins.sites.endpoint import refuse
from collector_plugins.sites.fields import Moment, Text, rfc3339
from collector_plugins.sites.periods import DAY, QueryDuration, in_steps, stale_pieces
from collector_plugins.sites.reading import NO_SERIES
from collector_plugins.sites.service import SiteService
from collector_plugins.sites.site import Site
from collector_plugins.sites.store import HOUR, Piece, Store

HISTORY = 8 * 7 * DAY
MOST_STEPS = 10_000
LOWEST, MIDDLE, HIGHEST = 0.1, 0.5, 0.9
LEVEL = 0.8  # of the interval between the lowest and the highest
SELECTED_STEP = 3600.0  # seconds
ALL = "all"
MODELS = "send auto, naive, prophet, or a model that the error names"
Kind = Literal["load", "hashrate"]
Points = list[tuple[float, float]]


def _seconds(value: object) -> float:
    found = parse_duration(value)
    if not 1 <= found <= 366 * 86_400:
        raise ValueError("must be a duration from 1s to 366d, such as 1h or 7d")
    return found


BodyDuration = Annotated[
    float,
    BeforeValidator(_seconds),
    WithJsonSchema({"anyOf": [{"type": "string", "examples": ["1h", "7d"]}, {"type": "number", "minimum": 1}]}),
]
"""A duration in a body, such as `1h`, or a number of seconds."""


class ForecastQuery(Query):
    """The parameters of `forecast/load` and `forecast/hashrate`."""

    site: Text = Field(ALL, description="A site; by default all together.")
    horizon: QueryDuration = DAY
    step: QueryDuration = HOUR


class SentPoint(BaseModel):
    """A value at a moment."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    t: Moment
    value: float = Field(strict=True, allow_inf_nan=False, ge=-1e15, le=1e15)


class CustomForecast(BaseModel):
    """The body of `forecast/custom`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    series: list[SentPoint] | None = Field(None, min_length=1, max_length=100_000)
    selector: SelectorText | None = Field(
        None,
        description='Instead: published series such as `sites_power_watts{site="a"}`; their sum in the history.',
    )
    horizon: BodyDuration
    step: BodyDuration | None = Field(None, description="By default the usual distance of the points.")
    seasonalities: list[BodyDuration] = Field(
        [], max_length=10, description="After how long values come again; by default what the series shows."
    )
    model: Text = Field("auto", description="auto, naive, prophet, or another model of the forecaster.")

    @property
    def step_seconds(self) -> float:
        """The step, given or not."""
        if self.series is None:
            return self.step or SELECTED_STEP
        return self.step or usual_distance([point.t / 1000 for point in self.series])

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.series is None) == (self.selector is None):
            raise ValueError(NO_SERIES)
        return self


def asked_sites(service: SiteService, name: str) -> list[Site]:
    """The site that a forecast is of, or all of them; raises `ApiError` (404)."""
    if name in service.sites:
        return [service.sites[name]]
    if name != ALL:
        raise refuse(404, f"no site is called {name!r}", "site", f"write the id of a site, or {ALL}")
    return list(service.sites.values())


def check_horizon(milliseconds: float, step: float, most_days: float) -> None:
    """Raises `ApiError` for a horizon that is too long, or shorter than a step."""
    if milliseconds > most_days * DAY:
        raise refuse(400, f"is longer than {most_days:g} days", "horizon", "ask for less, or raise `forecast_days`")
    if milliseconds < step:
        raise refuse(400, "is shorter than a step", "horizon", "ask for at least one step")
    if milliseconds / step > MOST_STEPS:
        raise refuse(400, f"more than {MOST_STEPS} points", "step", "ask for longer steps")


def past_points(service: SiteService, store: Store, sites: Sequence[Site], kind: Kind, step: int) -> Points:
    """What a forecast learns from: the mean of each step with readings, summed over the sites that report in it."""
    end = -(-service.now // step) * step
    start = end - HISTORY // step * step
    sums: dict[int, float] = {}
    if len(sites) > 1 and step == HOUR:
        for of in store.fresh_means([site.number for site in sites], start // HOUR, end // HOUR):
            _add(sums, of.hour * HOUR, of.power if kind == "load" else of.hashrate)
        for hour, piece in stale_pieces(service, store, sites, start // HOUR, end // HOUR):
            _add(sums, hour * HOUR, _mean(piece, kind))
    else:
        for site in sites:
            for moment, piece in in_steps(service, store, site, (start, end, step)).items():
                _add(sums, moment, _mean(piece, kind))
    return [(moment / 1000, total) for moment, total in sorted(sums.items())]


def _mean(piece: Piece, kind: Kind) -> float | None:
    return piece.mean_power if kind == "load" else piece.mean_hashrate


def _add(sums: dict[int, float], moment: int, value: float | None) -> None:
    if value is not None:
        sums[moment] = sums.get(moment, 0.0) + value


def selected_points(history: History, selector: str, step: float, now: float) -> Points:
    """What the history has of some series: the sum of their means, of counters of their rates, by steps.

    A step in which one of them is missing is left out. Raises `ApiError` (409) where there is nothing.
    """
    end = now // step * step
    period = max(0.0, end - HISTORY / 1000 // step * step), end
    found = history.query(Selector.parse(selector), *period, step=step)
    if any(each.is_counter for each in found):
        found = history.query(Selector.parse(selector), *period, step=step, fn="rate")
    counts: Counter[float] = Counter(moment for each in found for moment, _ in each.points)
    sums: dict[float, float] = {}
    for each in found:
        for moment, value in each.points:
            sums[moment] = sums.get(moment, 0.0) + value
    points = [(moment, total) for moment, total in sorted(sums.items()) if counts[moment] == len(found)]
    if not points:
        fix = "`energy-collector history list` says what is kept" if history.is_kept else "switch `history` on"
        raise missing(NotAvailable(Reason.NOT_FOUND, f"the history has nothing of {selector}", fix=fix), "selector")
    return points


def forecast(
    points: Points, horizon: float, step: float | None, model: str = "", seasonalities: Sequence[float] = ()
) -> ForecastedSeries:
    """A forecast; raises `ApiError`: 409 with what is `missing`, 400 for what is not possible."""
    quantiles = (LOWEST, MIDDLE, HIGHEST)
    try:
        return find_forecaster()(
            points, horizon, step=step, quantiles=quantiles, model=model, seasonalities=seasonalities
        )
    except NotAvailable as error:
        raise missing(error, "series" if error.reason == Reason.BAD_DATA else "model") from None
    except ValueError as error:
        field = next((name for name in ("model", "seasonalities", "horizon", "step") if name in str(error)), "series")
        raise refuse(400, str(error), field, MODELS if field == "model" else "") from None


def missing(error: NotAvailable, field: str = "series") -> ApiError:
    """A refusal that says what there is too little of."""
    text = error.fix or error.detail
    refusal = refuse(409, error.detail, field, text)
    refusal.body["missing"] = text
    return refusal


def usual_distance(moments: Sequence[float]) -> float:
    """The median of the seconds between moments; 1 where there are none."""
    distances = sorted(after - before for before, after in itertools.pairwise(sorted(moments)))
    return distances[len(distances) // 2] or 1.0 if distances else 1.0


def own_mase(found: ForecastedSeries) -> float | None:
    """The error of the model that forecasts; None where nothing could be tried."""
    return found.mase.get(found.model)


def describe(found: ForecastedSeries, now: int) -> dict[str, Any]:
    """A forecast as an answer."""
    return {
        "model": found.model,
        "trained_at": rfc3339(now),
        "step_seconds": found.step,
        "score": {
            "mase": own_mase(found),
            "coverage": found.coverage.get(LEVEL),
        },
        "series": {
            name: [{"t": rfc3339(round(moment * 1000)), "value": value} for moment, value in found.points[quantile]]
            for name, quantile in (("p10", LOWEST), ("p50", MIDDLE), ("p90", HIGHEST))
        },
    }
