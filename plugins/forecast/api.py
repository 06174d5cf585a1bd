"""`/api/v1/forecasts`: what comes next, how good that was so far, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator

from collector_core import ApiError, Duration, NotAvailable, Query
from collector_plugins.forecast.best_window import MEANING, By, best_window, parse_energy
from collector_plugins.forecast.exhaustion import Resource
from collector_plugins.forecast.messages import Trained
from collector_plugins.forecast.state import Known, SeriesState
from collector_plugins.forecast.view import View

if TYPE_CHECKING:
    from aiohttp import web

PATH = "/api/v1/forecasts"
WAITING = "it has not been trained yet"


class WindowQuery(Query):
    """A job: its energy, such as `2kWh`, how long it takes, and what its best time is judged by."""

    energy: Annotated[float, BeforeValidator(lambda text: parse_energy(str(text)))]
    duration: Duration
    by: By = "cost"


def routes(latest: Callable[[], View]) -> Sequence[web.RouteDef]:
    """Everything that is served; `latest` may be called on any thread."""
    from aiohttp import web  # noqa: PLC0415 - only a server needs it, and it is large

    async def forecasts(request: web.Request) -> web.Response:
        del request
        return web.json_response(answer_all(latest()))

    async def window(request: web.Request) -> web.Response:
        return web.json_response(answer_window(latest(), WindowQuery.parse(request.query)))

    async def forecast(request: web.Request) -> web.Response:
        return web.json_response(answer_one(latest(), request.match_info["name"]))

    return [web.get(PATH, forecasts), web.get(f"{PATH}/best-window", window), web.get(f"{PATH}/{{name}}", forecast)]


def answer_all(view: View) -> dict[str, Any]:
    """All forecasts in brief, what is missing and why, and what follows from them."""
    shown = [(state, view.current(state)) for state in view.shown]
    return {
        "time": view.now,
        "forecasts": [_brief(state, known) for state, known in shown if known],
        "missing": [
            {"name": state.spec.name} | _missing(state) for state, known in shown if state.refusal or not known
        ],
        "batteries": list(_batteries(view)),
        "exhaustion": [_resource(each) for each in view.resources],
    }


def answer_one(view: View, name: str) -> dict[str, Any]:
    """One forecast as a whole; raises `ApiError`: 404 for a name that there is not, 409 where there is no forecast."""
    states = {state.spec.name: state for state in view.series}
    if name not in states:
        raise ApiError(HTTPStatus.NOT_FOUND, f"there is no forecast called {name!r}", names=sorted(states))
    state = states[name]
    known = view.current(state)
    if known is None:
        missing = _missing(state)
        text = f"there is no forecast of {name}: {missing['detail']}"
        raise ApiError(HTTPStatus.CONFLICT, text, fix=missing["fix"], missing=missing)
    return _brief(state, known) | {
        "horizon_seconds": known.horizon,
        "step_seconds": known.trained.step,
        "weights": known.trained.weights,
        "series": {f"p{quantile * 100:g}": _points(known.trained, quantile) for quantile in known.trained.quantiles},
        "actual": [
            {"t": each.time, "value": each.value, "low": each.low, "middle": each.middle, "high": each.high}
            for each in known.shown
        ],
    }


def answer_window(view: View, query: WindowQuery) -> dict[str, Any]:
    """The best time for a job; raises `ApiError` (409) where the forecast that it needs is missing."""
    forecasts = {state.spec.name: known.trained for state in view.series if (known := view.current(state))}
    try:
        found = best_window(forecasts, query.energy, query.duration, query.by, view.now)
    except NotAvailable as error:
        raise ApiError(HTTPStatus.CONFLICT, error.detail, fix=error.fix) from None
    return {
        "start": found.start,
        "end": found.end,
        "by": query.by,
        "value": found.value,
        "value_now": found.value_now,
        "meaning": MEANING[query.by],
    }


def _brief(state: SeriesState, known: Known) -> dict[str, Any]:
    trained = known.trained
    return {
        "name": state.spec.name,
        "selector": state.spec.selector.text,
        "unit": known.unit,
        "model": trained.model,
        "trained_at": known.trained_at,
        "score": _score(known),
        "sums": {period: _by_name(sums) for period, sums in trained.sums.items()},
        "peak_tomorrow": _by_name(trained.peak),
        "peak_limit": state.spec.limit,
        "peak_above_limit": trained.above_limit,
    }


def _score(known: Known) -> dict[str, Any]:
    """Of the model that is shown on earlier parts of the series, and of what was shown in the last 30 days."""
    trained = known.trained
    level = round(max(trained.quantiles) - min(trained.quantiles), 6)
    nearest = min(trained.coverage, key=lambda each: abs(each - level), default=None)
    return {
        "mase": trained.mase.get(trained.model),
        "coverage": None if nearest is None else trained.coverage[nearest],
        "level": level,
        "models": trained.mase,
        "levels": {f"{each:g}": ratio for each, ratio in trained.coverage.items()},
        "last_30_days": {"mase": known.recent_mase, "coverage": known.recent_coverage},
    }


def _missing(state: SeriesState) -> dict[str, str]:
    if state.refusal:
        return {"reason": state.refusal.reason, "detail": state.refusal.detail, "fix": state.refusal.fix}
    return {"reason": "waiting", "detail": WAITING, "fix": ""}


def _points(trained: Trained, quantile: float) -> list[dict[str, float]]:
    values = trained.quantiles[quantile]
    return [{"t": trained.start + number * trained.step, "value": value} for number, value in enumerate(values)]


def _batteries(view: View) -> Iterator[dict[str, Any]]:
    for battery, ahead in view.batteries:
        yield {
            "name": battery.name,
            "stored_joules": battery.stored,
            "capacity_joules": battery.capacity,
            "runtime_seconds": battery.runtime,
            "empty_at": _times(view.now, ahead.empty, ahead.likeliest_empty),
            "full_at": _times(view.now, ahead.full, ahead.likeliest_full),
            "empty_risk": ahead.empty_risk,
        }


def _times(now: float, quantiles: dict[float, float], likeliest: float | None) -> dict[str, float]:
    """Unix seconds; of those that are not foreseen, none."""
    likely = {} if likeliest is None else {"likeliest": now + likeliest}
    return likely | _by_name({quantile: now + seconds for quantile, seconds in quantiles.items()})


def _resource(resource: Resource) -> dict[str, Any]:
    return {"name": resource.name, "exhausted_at": _by_name(resource.at)}


def _by_name(values: dict[float, float]) -> dict[str, float]:
    return {f"p{quantile * 100:g}": value for quantile, value in values.items()}
