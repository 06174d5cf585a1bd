"""What is said of an anomaly: one sentence with the numbers."""

from __future__ import annotations

from typing import NamedTuple

from collector_plugins.anomaly.rules import RARE_EVENT, STUCK, ZERO

MISSING = "missing"
MULTIVARIATE = "multivariate"
SEASON_DAYS = 2.0  # of watching, before "at this time of day" may be said
PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
WITH_PREFIX = frozenset({"bytes", "watts", "joules", "hertz"})
SYMBOLS = {"watts": "W", "joules": "J", "bytes": "B", "celsius": "°C", "seconds": "s", "hertz": "Hz", "ratio": ""}


class Finding(NamedTuple):
    """What was seen of one series: `spread` is its usual deviation, in the series' unit; times in days."""

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


def unit_of(unit: str, *, is_counter: bool) -> str:
    """The unit of a series' rows: a counter of joules becomes watts, any other one its unit per second."""
    if not is_counter:
        return unit
    return "watts" if unit == "joules" else f"{unit}/s"


def number(value: float, unit: str) -> str:
    """A value as people read it: three digits, a prefix where the unit takes one."""
    base, slash, per = unit.partition("/")
    symbol, prefix = SYMBOLS.get(base, base), ""
    if base in WITH_PREFIX:
        factor, prefix = next(((f, p) for f, p in PREFIXES if abs(value) >= f), (1.0, ""))
        value /= factor
    return f"{_digits(value)} {prefix}{symbol}{slash}{per}".strip()


def sentence(kind: str, finding: Finding) -> str:
    """The description of an anomaly of this kind."""
    if kind == MISSING or finding.value is None:
        return f"{finding.title} is missing, though its collector runs: it has told nothing for {_lasting(finding)}"
    value = number(finding.value, finding.unit)
    if kind == STUCK:
        return f"{finding.title} stands still: exactly {value} for {_lasting(finding)}, though it always moved before"
    if kind == ZERO:
        return f"{finding.title} is {value}{_expected(finding)}; it was hardly ever 0 in {_days(finding.days_watched)}"
    if kind == RARE_EVENT:
        return f"{finding.title} is {value}, which was not so in the last {_days(finding.days_watched)}"
    return f"{finding.title} is {value}{_expected(finding)}{_record(finding)}"


def _expected(finding: Finding) -> str:
    if finding.expected is None:
        return ""
    spread = f" ± {number(finding.spread, finding.unit)}" if finding.spread else ""
    season = " at this time of day" if finding.days_watched >= SEASON_DAYS else ""
    return f", expected {number(finding.expected, finding.unit)}{spread}{season}"


def _record(finding: Finding) -> str:
    which = "highest" if finding.is_above else "lowest"
    if finding.days_unseen >= 2:
        return f"; the {which} in {finding.days_unseen} days"
    return f"; the {which} since yesterday" if finding.days_unseen == 1 else ""


def _lasting(finding: Finding) -> str:
    minutes = finding.rows_lasting * finding.row_seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 180 else f"{minutes / 60:.0f} hours"


def _days(days: float) -> str:
    return f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"


def _digits(value: float) -> str:
    """Three digits, without an exponent where people would not write one."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:.2e}"
