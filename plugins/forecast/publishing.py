"""What is known of a series → readings."""

from __future__ import annotations

from collections.abc import Sequence

from collector_core import Readings
from collector_plugins.forecast import metrics
from collector_plugins.forecast.exhaustion import Resource
from collector_plugins.forecast.periods import duration_text
from collector_plugins.forecast.state import Known, SeriesState

HOUR, DAY = 3600.0, 86_400.0
HORIZONS = (HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY)


def publish_series(out: Readings, state: SeriesState, now: float) -> None:
    """All of one series; what is not known, or not of now, is left out."""
    name, known = state.spec.name, state.known
    if state.refusal:
        out.add(metrics.UNAVAILABLE, series=name, reason=state.refusal.reason)
    if known is None or known.trained.place(now) is None:
        return
    _publish_values(out, name, known, now)
    _publish_record(out, name, known, now)
    _publish_derived(out, state, known, now)


def publish_resources(out: Readings, resources: Sequence[Resource], now: float) -> None:
    """When disks and memory will be exhausted."""
    for resource in resources:
        for quantile, time in resource.at.items():
            labels = {"resource": resource.name, "quantile": f"{quantile:g}"}
            out.add(metrics.TIME_TO_EXHAUSTION, max(0.0, time - now), **labels)


def horizons_of(known: Known) -> Sequence[float]:
    """The usual ones that the forecast reaches, and its own."""
    return sorted({*(each for each in HORIZONS if each < known.horizon), known.horizon})


def _publish_values(out: Readings, name: str, known: Known, now: float) -> None:
    for horizon in horizons_of(known):
        place = known.trained.place(now + horizon)
        for quantile, values in known.trained.quantiles.items() if place is not None else ():
            labels = {"series": name, "horizon": duration_text(horizon), "quantile": f"{quantile:g}"}
            out.add(metrics.VALUE, values[place or 0], **labels)


def _publish_record(out: Readings, name: str, known: Known, now: float) -> None:
    trained, horizon = known.trained, duration_text(known.horizon)
    out.add(metrics.MODEL, series=name, model=trained.model, unit=known.unit)
    for model, mase in trained.mase.items():
        out.add(metrics.MASE, mase, series=name, horizon=horizon, model=model)
    for level, ratio in trained.coverage.items():
        out.add(metrics.COVERAGE, ratio, series=name, level=f"{level:g}")
    if known.recent_mase is not None:
        out.add(metrics.RECENT_MASE, known.recent_mase, series=name, horizon=horizon)
    if known.recent_coverage is not None:
        out.add(metrics.RECENT_COVERAGE, known.recent_coverage, series=name, level=f"{known.level:g}")
    out.add(metrics.TRAINED_AT, known.trained_at, series=name)
    out.add(metrics.AGE, max(0.0, now - known.trained_at), series=name)


def _publish_derived(out: Readings, state: SeriesState, known: Known, now: float) -> None:
    name, trained = state.spec.name, known.trained
    del now
    for quantile, value in trained.peak.items():
        out.add(metrics.PEAK, value, series=name, quantile=f"{quantile:g}")
    if state.spec.limit is not None and trained.above_limit is not None:
        out.add(metrics.LIMIT, state.spec.limit, series=name)
        out.add(metrics.ABOVE_LIMIT, trained.above_limit, series=name)
    for period, sums in trained.sums.items():
        for quantile, joules in sums.items():
            labels = {"period": period, "quantile": f"{quantile:g}"}
            out.add(metrics.ENERGY, joules, series=name, **labels)
            if "cost" in known.rates:
                cost = trained.costs.get(period, {}).get(quantile, joules * known.rates["cost"])
                out.add(metrics.COST, cost, **labels, currency=known.currency)
            if "grams" in known.rates:
                out.add(metrics.EMISSIONS, joules * known.rates["grams"], **labels)
