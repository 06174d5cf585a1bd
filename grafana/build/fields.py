"""How values look: their unit, colours at limits, words for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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

    def defaults(self, custom: Mapping[str, object]) -> dict[str, object]:
        """Grafana's field defaults, with the options `custom` of the panel's kind."""
        optional = {"min": self.minimum, "max": self.maximum, "decimals": self.decimals}
        return {
            "color": {"mode": "thresholds" if self.limits else "palette-classic"},
            "custom": dict(custom),
            "mappings": self._mappings(),
            "thresholds": {"mode": "absolute", "steps": self._steps()},
            "unit": self.unit,
            **{key: value for key, value in optional.items() if value is not None},
        }

    def overrides(self) -> list[dict[str, object]]:
        """What single columns and series have of their own."""
        units = [_override(name, "unit", unit) for name, unit in self.others.items()]
        return units + [_override(name, "links", [{"title": "Open", "url": url}]) for name, url in self.links.items()]

    def _mappings(self) -> list[dict[str, object]]:
        if not self.words:
            return []
        options = {
            str(value): {"color": color, "index": index, "text": text}
            for index, (value, (text, color)) in enumerate(self.words.items())
        }
        return [{"type": "value", "options": options}]

    def _steps(self) -> list[dict[str, object]]:
        return [{"value": None, "color": "green"}, *({"value": value, "color": color} for value, color in self.limits)]


def _override(name: str, key: str, value: object) -> dict[str, object]:
    return {"matcher": {"id": "byName", "options": name}, "properties": [{"id": key, "value": value}]}
