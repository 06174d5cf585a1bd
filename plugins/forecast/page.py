"""The section Forecast of the status page: each series, what is expected of it, and what came true beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from collector_core import PageBand, PageChart, PageLink, PageSection, PageTable, quantity
from collector_plugins.forecast.api import PATH, WAITING
from collector_plugins.forecast.battery import QUANTILES
from collector_plugins.forecast.periods import end_of_night, local_time
from collector_plugins.forecast.state import Known, SeriesState
from collector_plugins.forecast.view import View

SYMBOLS = {"watts": "W", "celsius": "°C", "joules": "J", "hertz": "Hz", "bytes": "B", "grams": "g", "seconds": "s"}
MOST_CHARTS = 12
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
GERMAN_WEEKDAYS = ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
DAY, WEEK = 86_400.0, 7 * 86_400.0
GERMAN = {
    "Forecast": "Prognose",
    "with what came true beside it, and the error of the last 30 days": (
        "daneben, was eintrat, und der Fehler der letzten 30 Tage"
    ),
    "Nothing is forecast: the history has none of the series.": (
        "Nichts wird vorhergesagt: der Verlauf hat keine der Reihen."
    ),
    "forecasts (JSON)": "Prognosen (JSON)",
    "next 24 h: {} to {}": "nächste 24 h: {} bis {}",
    "What follows": "Was kommt",
    "what": "was",
    "expected": "erwartet",
    "from": "von",
    "to": "bis",
    "{} empty at": "{} leer um",
    "{} full at": "{} voll um",
    "{}, lowest charge until {}": "{}, niedrigster Ladestand bis {}",
    "{}, today": "{}, heute",
    "{}, tomorrow": "{}, morgen",
    "{}, this month": "{}, dieser Monat",
    "{} tomorrow's peak ({} % above {})": "{}, Spitze von morgen ({} % über {})",
    "{} exhausted": "{} erschöpft",
    "in {} days": "in {} Tagen",
    "not foreseen": "nicht absehbar",
    "power": "Leistung",
    "solar": "Sonne",
    "home load": "Verbrauch im Haus",
    "home_load": "Verbrauch im Haus",
    "Errors over those of repeating the last season: below 1 is better": (
        "Fehler gegenüber der Wiederholung der letzten Saison: unter 1 ist besser"
    ),
    "series": "Reihe",
    "model": "Modell",
    "combination": "Kombination",
    "error when trained": "Fehler beim Lernen",
    "error of 30 days": "Fehler der 30 Tage",
    "in the interval": "im Intervall",
    "trained": "gelernt",
    "{} of {}": "{} von {}",
    "Not forecast, or not anew": "Nicht oder nicht neu vorhergesagt",
    "why": "warum",
    "what helps": "was hilft",
    WAITING: "noch nicht gelernt",
    **{f"{day} {{}}": f"{german} {{}}" for day, german in zip(WEEKDAYS, GERMAN_WEEKDAYS, strict=True)},
}
DAYS = {"today": "today", "tomorrow": "tomorrow", "month": "this month"}


def section(view: View) -> PageSection:
    """What `view` says, for people."""
    shown = view.shown[:100]
    return PageSection(
        name="forecast",
        page="forecasts",
        title="Forecast",
        note="with what came true beside it, and the error of the last 30 days",
        text="" if shown or not view.now else "Nothing is forecast: the history has none of the series.",
        charts=[_chart(view, state, known) for state in shown if (known := view.current(state))][:MOST_CHARTS],
        tables=[table for table in (_answers(view), _record(view, shown), _missing(view, shown)) if table.rows],
        links=(PageLink(text="forecasts (JSON)", path=PATH),),
        order=20,
        translations={"de": GERMAN},
    )


def _chart(view: View, state: SeriesState, known: Known) -> PageChart:
    """What was seen until now beside what had been forecast of it, and what is expected."""
    expected = _band(known, view.now)
    ahead = [place for place, time in enumerate(expected.times) if time > view.now - known.trained.step]
    low, high = min(expected.lower[place] for place in ahead), max(expected.upper[place] for place in ahead)
    unit = SYMBOLS.get(known.unit, "")
    past = [(time, value) for time, value in known.past if time <= view.now]
    return PageChart(
        title=state.spec.name.replace("_", " "),
        unit=unit,
        times=[time for time, _ in past],
        values=[value for _, value in past],
        window=min(WEEK, max(known.horizon, DAY)),
        longest_step=3 * known.trained.step,
        note=f"next 24 h: {quantity(low, unit)} to {quantity(high, unit)}",
        approximate=True,
        expected=expected,
    )


def _band(known: Known, now: float) -> PageBand:
    """Of each time what was forecast last before it; from the present on, the newest forecast of a day."""
    trained = known.trained
    low, high = min(trained.quantiles), max(trained.quantiles)
    middle = min(trained.quantiles, key=lambda quantile: abs(quantile - 0.5))
    first = trained.place(now) or 0
    count = min(len(trained.quantiles[low]) - first, max(1, round(DAY / trained.step)))
    rows = [(each.time, each.low, each.middle, each.high) for each in known.shown]
    rows = [row for row in rows if row[0] < trained.start + first * trained.step]
    for place in range(first, first + count):
        bounds = (trained.quantiles[quantile][place] for quantile in (low, middle, high))
        rows.append((trained.start + place * trained.step, *sorted(bounds)))  # type: ignore[arg-type]
    times, lower, middles, upper = zip(*rows, strict=True)
    return PageBand(times=times, lower=lower, middle=middles, upper=upper)


def _answers(view: View) -> PageTable:
    rows = [*_battery_rows(view), *_energy_rows(view), *_peak_rows(view), *_resource_rows(view)]
    return PageTable(title="What follows", columns=("what", "expected", "from", "to"), rows=rows[:100])


def _battery_rows(view: View) -> Iterator[Sequence[str]]:
    for battery, ahead in view.batteries:
        for what, likeliest, times in (
            ("empty", ahead.likeliest_empty, ahead.empty),
            ("full", ahead.likeliest_full, ahead.full),
        ):
            if likeliest is not None:
                bounds = (times.get(quantile) for quantile in (min(QUANTILES), max(QUANTILES)))
                yield f"{battery.name} {what} at", *(_at(view, seconds) for seconds in (likeliest, *bounds))
        if ahead.lowest:
            charges = {quantile: f"{100 * charge:.0f} %" for quantile, charge in ahead.lowest.items()}
            yield _row(
                f"{battery.name}, lowest charge until {local_time(end_of_night(view.now, view.zone), view.zone)}",
                charges,
            )


def _at(view: View, seconds: float | None) -> str:
    return "not foreseen" if seconds is None else local_time(view.now + seconds, view.zone)


def _energy_rows(view: View) -> Iterator[Sequence[str]]:
    for state in view.shown:
        known = view.current(state)
        for period, sums in known.trained.sums.items() if known else ():
            name = state.spec.name.replace("_", " ")
            yield _row(
                f"{name}, {DAYS.get(period, period)}", {q: quantity(each / 3600, "Wh") for q, each in sums.items()}
            )


def _peak_rows(view: View) -> Iterator[Sequence[str]]:
    for state in view.shown:
        known = view.current(state)
        if known and state.spec.limit is not None and known.trained.above_limit is not None:
            unit = SYMBOLS.get(known.unit, "")
            risk = f"{100 * known.trained.above_limit:.0f} % above {quantity(state.spec.limit, unit)}"
            peak = {q: quantity(each, unit) for q, each in known.trained.peak.items()}
            yield _row(f"{state.spec.name} tomorrow's peak ({risk})", peak)


def _resource_rows(view: View) -> Iterator[Sequence[str]]:
    for resource in view.resources:
        days = {quantile: f"in {(time - view.now) / DAY:.0f} days" for quantile, time in resource.at.items()}
        yield _row(f"{resource.name} exhausted", days)


def _row(what: str, values: Mapping[float, str]) -> Sequence[str]:
    middle = min(values, key=lambda quantile: abs(quantile - 0.5))
    return what, values[middle], values[min(values)], values[max(values)]


def _record(view: View, shown: Sequence[SeriesState]) -> PageTable:
    rows = []
    for state in shown:
        known = view.current(state)
        if known:
            trained = known.trained
            level = f"{100 * known.level:.0f} %" if known.level else ""
            rows.append(
                (
                    state.spec.name,
                    trained.model,
                    _number(trained.mase.get(trained.model)),
                    _number(known.recent_mase),
                    _number(known.recent_coverage, percent=True) + (f" of {level}" if known.recent_coverage else ""),
                    local_time(known.trained_at, view.zone),
                )
            )
    columns = ("series", "model", "error when trained", "error of 30 days", "in the interval", "trained")
    return PageTable(
        title="Errors over those of repeating the last season: below 1 is better", columns=columns, rows=rows
    )


def _missing(view: View, shown: Sequence[SeriesState]) -> PageTable:
    rows = [
        (
            state.spec.name,
            state.refusal.detail if state.refusal else WAITING,
            state.refusal.fix if state.refusal else "",
        )
        for state in shown
        if state.refusal or not view.current(state)
    ]
    return PageTable(title="Not forecast, or not anew", columns=("series", "why", "what helps"), rows=rows)


def _number(value: float | None, *, percent: bool = False) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if percent else f"{value:.2f}"
