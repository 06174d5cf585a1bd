"""What is said of an anomaly: one sentence with the numbers."""

from __future__ import annotations

from typing import NamedTuple

from collector_plugins.anomaly.detector.value_rules import QUIET_DAYS, RARE_EVENT, STUCK, ZERO
from collector_plugins.anomaly.incidents.symptoms import DRIFT, MISSING, MULTIVARIATE
from collector_plugins.anomaly.series.daily_extremes import DAY
from collector_plugins.anomaly.series.daily_trend import Drift
from collector_plugins.anomaly.series.watched_series import WatchedSeries

SEASON_DAYS = 2.0  # of watching, before "at this time of day" may be said
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
PREFIXED_UNITS = frozenset({"bytes", "watts", "joules", "hertz"})
SYMBOLS = {"watts": "W", "joules": "J", "bytes": "B", "celsius": "°C", "seconds": "s", "hertz": "Hz", "ratio": ""}


class Observation(NamedTuple):
    """The numbers of one series in a row: `spread` is its usual deviation, in the unit of the series."""

    title: str
    unit: str
    value: float | None
    expected: float | None = None
    spread: float | None = None
    days_watched: float = 0.0
    days_unseen: int = 0
    is_above: bool = True
    rows_lasting: int = 0
    row_seconds: float = 60.0
    drift: Drift | None = None


def observe(watched: WatchedSeries, when: float) -> Observation:
    """The numbers of the last row, before it counts among the extremes of its day."""
    value, size, expected = watched.value, watched.size, watched.expected
    is_above = size >= 0
    unseen = 0 if value is None else watched.extremes.days_since(value, when, above=is_above)
    spread = None if value is None or expected is None or not size else abs((value - expected) / size)
    return Observation(
        watched.series.heading,
        unit_of_rows(watched.series.unit, is_counter=watched.is_counter),
        value,
        expected,
        spread,
        days_watched=(when - watched.first_row_at) / DAY,
        days_unseen=unseen,
        is_above=is_above,
        rows_lasting=max(watched.rows_missed, watched.rules.same if value is not None else 0),
        row_seconds=watched.row_seconds,
        drift=watched.trend.drift,
    )


def unit_of_rows(unit: str, *, is_counter: bool) -> str:
    """The unit of a series' rows: watts for a counter of joules, the unit per second for any other counter."""
    if not is_counter:
        return unit
    return "watts" if unit == "joules" else f"{unit}/s"


def format_number(value: float, unit: str) -> str:
    """A value as people read it: three digits, with a prefix where the unit takes one."""
    base, slash, per = unit.partition("/")
    symbol, prefix = SYMBOLS.get(base, base), ""
    if base in PREFIXED_UNITS:
        factor, prefix = next(((f, p) for f, p in PREFIXES if abs(value) >= f), (1.0, ""))
        value /= factor
    return f"{_digits(value)} {prefix}{symbol}{slash}{per}".strip()


def describe_anomaly(anomaly_type: str, seen: Observation) -> str:
    """The description of an anomaly of one series."""
    if anomaly_type == MISSING or seen.value is None:
        return f"{seen.title} is missing although its collector is running: no reading for {_duration(seen)}"
    value = format_number(seen.value, seen.unit)
    if anomaly_type == DRIFT and seen.drift:
        return f"{seen.title} {_course(seen.drift, seen.unit)}"
    if anomaly_type == STUCK:
        return f"{seen.title} is stuck: exactly {value} for {_duration(seen)}, although it always changed before"
    if anomaly_type == ZERO:
        return f"{seen.title} is {value}{_expected(seen)}; it was hardly ever 0 in {_days(seen.days_watched)}"
    if anomaly_type == RARE_EVENT:
        return f"{seen.title} is {value}, its first event in {_days(min(seen.days_watched, QUIET_DAYS))}"
    return f"{seen.title} is {value}{_expected(seen)}{_record(seen)}"


def describe_company(anomaly_type: str, related: int) -> str:
    """The end of a description: how many other series are unusual too; empty if none is."""
    if anomaly_type == MULTIVARIATE:
        return f"; {related + 1} series of this component are unusual together"
    if related == 1:
        return "; 1 more series is unusual at the same time"
    return f"; {related} more series are unusual at the same time" if related else ""


def _course(drift: Drift, unit: str) -> str:
    way = "risen" if drift.last > drift.first else "fallen"
    ends = f"from {format_number(drift.first, unit)} to {format_number(drift.last, unit)}"
    return f"has {way} steadily for {drift.days} days, {ends} on average"


def _expected(seen: Observation) -> str:
    if seen.expected is None:
        return ""
    spread = f" ± {format_number(seen.spread, seen.unit)}" if seen.spread else ""
    season = " at this time of day" if seen.days_watched >= SEASON_DAYS else ""
    return f", expected {format_number(seen.expected, seen.unit)}{spread}{season}"


def _record(seen: Observation) -> str:
    which = "highest" if seen.is_above else "lowest"
    if seen.days_unseen >= 2:
        return f"; the {which} in {seen.days_unseen} days"
    return f"; the {which} since yesterday" if seen.days_unseen == 1 else ""


def _duration(seen: Observation) -> str:
    return _span(seen.rows_lasting * seen.row_seconds)


def _days(days: float) -> str:
    return _span(days * DAY)


def _span(seconds: float) -> str:
    """A time in the largest unit that still says it well."""
    for unit, length, least in (("days", DAY, 2), ("hours", 3600.0, 3), ("minutes", 60.0, 2)):
        if seconds >= least * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _digits(value: float) -> str:
    """Three digits, without an exponent where people would not write one."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:.2e}"
