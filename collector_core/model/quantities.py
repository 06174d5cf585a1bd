"""Numbers with their units, as people read them."""

from __future__ import annotations

from math import floor, isfinite, log10

_PREFIXES = {-3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}


def quantity(value: float | None, unit: str) -> str:
    """Three digits with an SI prefix, `12.3 mJ`; nothing where there is no value."""
    if value is None or not isfinite(value):
        return ""
    step = max(-3, min(4, floor(log10(abs(value)) / 3 + 1e-9))) if value else 0
    scaled = value / 1000.0**step
    if abs(scaled) >= 999.5 and step < 4:
        step, scaled = step + 1, scaled / 1000
    if unit == "B" and step < 0:
        step, scaled = 0, value
    return f"{scaled:.{_decimals(scaled)}f} {_PREFIXES[step]}{unit}"


def percent(ratio: float | None) -> str:
    """A ratio as percents, `12 %`."""
    return "" if ratio is None else f"{100 * ratio:.{1 if abs(ratio) < 0.1 else 0}f} %"


def _decimals(value: float) -> int:
    size = abs(value)
    if size == int(size):
        return 0
    return 0 if size >= 99.95 else 1 if size >= 9.995 else 2
