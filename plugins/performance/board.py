"""What all collectors show → the figures of one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean

from collector_core import Published, Selector
from collector_plugins.performance.figures import SECTIONS, Combine, Figure
from collector_plugins.performance.rates import Rates

Value = float | dict[str, float]
Sections = dict[str, dict[str, Value]]

_COMBINE: Mapping[Combine, Callable[[list[float]], float]] = {"sum": sum, "mean": fmean, "max": max}


class Board:
    """Reads the figures of every section; what nobody publishes is left out, and so are sections without figures."""

    def __init__(self) -> None:
        self._selectors = {
            (section, figure.name): Selector.parse(figure.selector)
            for section, figures in SECTIONS.items()
            for figure in figures
        }
        self._rates = Rates()

    def read(self, published: Sequence[Published], now: float) -> Sections:
        """All figures of this moment; `now` in monotonic seconds."""
        self._rates.begin()
        found: Sections = {}
        for section, figures in SECTIONS.items():
            values = {figure.name: self._value(section, figure, published, now) for figure in figures}
            if there := {name: value for name, value in values.items() if value is not None}:
                found[section] = there
        return found

    def _value(self, section: str, figure: Figure, published: Iterable[Published], now: float) -> Value | None:
        groups: dict[str, list[float]] = {}
        for series, value in self._selectors[section, figure.name].select(published):
            known = self._rates.rate(series.text, value, now) if figure.rate else value
            if known is not None:
                key = "/".join(series.labels.get(label, "") for label in figure.by)
                groups.setdefault(key, []).append(known)
        combined = {key: _COMBINE[figure.combine](values) for key, values in groups.items()}
        return (combined or None) if figure.by else combined.get("")
