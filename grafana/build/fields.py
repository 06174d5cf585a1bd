"""How values look: their unit, colours at limits, words for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import bargauge, gauge, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import (
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)

PanelBuilder = timeseries.Panel | stat.Panel | gauge.Panel | bargauge.Panel | statetimeline.Panel | table.Panel
Limits = Sequence[tuple[float, str]]

LOAD: Limits = ((0.8, "orange"), (0.95, "red"))
HEAT: Limits = ((75, "orange"), (90, "red"))
CHARGE: Limits = ((0, "red"), (0.15, "orange"), (0.35, "green"))
BAD: Limits = ((1, "red"),)

UP = {0: ("down", "red"), 1: ("up", "green")}
YES_IS_BAD = {0: ("no", "green"), 1: ("yes", "red")}
YES_IS_BUSY = {0: ("no", "green"), 1: ("yes", "orange")}

CURRENCIES = {"EUR": "currencyEUR", "USD": "currencyUSD", "GBP": "currencyGBP", "CHF": "currencyCHF"}


@dataclass(frozen=True)
class Look:
    """The look of a panel's values; `others` are units, and `links` addresses, of single columns or series by name."""

    unit: str
    limits: Limits = ()
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)

    def apply_to(self, panel: PanelBuilder) -> None:
        """Make a panel's values look so."""
        steps = [Threshold(None, "green"), *(Threshold(value, color) for value, color in self.limits)]
        color = FieldColorModeId.THRESHOLDS if self.limits else FieldColorModeId.PALETTE_CLASSIC
        panel.unit(self.unit).color_scheme(FieldColor().mode(color))
        panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        for value, limit in ((self.minimum, panel.min), (self.maximum, panel.max), (self.decimals, panel.decimals)):
            if value is not None:
                limit(value)
        if self.words:
            panel.mappings([ValueMap(dict(self._words()))])
        for name, unit in self.others.items():
            panel.override_by_name(name, [DynamicConfigValue("unit", unit)])
        for name, url in self.links.items():
            panel.override_by_name(name, [DynamicConfigValue("links", [{"title": "Open", "url": url}])])

    def _words(self) -> dict[str, ValueMappingResult]:
        return {
            str(value): ValueMappingResult(text, color, index=index)
            for index, (value, (text, color)) in enumerate(self.words.items())
        }
