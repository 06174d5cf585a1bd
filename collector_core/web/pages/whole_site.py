"""The whole site: what it draws, costs and emits, how long batteries last, and what each part has of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from typing import NamedTuple, TypeVar

from collector_core.metering import Component
from collector_core.web.pages.layout import tile
from collector_core.web.pages.money import currency_of
from collector_core.web.pages.tables import Cell, Row, render_table
from collector_core.web.pages.view import View

KWH_OF_A_WATT_DAY = 0.024
KeyT = TypeVar("KeyT")


class _Part(NamedTuple):
    host: str
    component: str
    device: str


class WholeSite:
    """What is published of the site, for one view; every piece is empty where no ledger knows of a site."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._watts = self._parts("total_power")
        self._joules = self._parts("total_energy")

    def total(self) -> str:
        """A tile of what all of it draws, and has drawn; empty where that is not more than one machine."""
        words, joules = self._view.words, sum(self._joules.values())
        if len({part.host for part in self._watts}) < 2:
            return ""
        counted = f"{words.quantity(joules / 3600, 'Wh')} {words('since_start')}" if joules else ""
        return tile(words("whole_site"), words.quantity(sum(self._watts.values()), "W"), counted)

    def tiles(self) -> Iterator[str]:
        """What a day of this draw costs, the carbon of the mix, and how long batteries last; what is known of it."""
        words, watts = self._view.words, sum(self._watts.values())
        if watts and self._rate is not None:
            yield tile(words("cost_a_day"), words.money(watts * self._rate, self._currency), words("at_this_draw"))
        if (mix := self._value("carbon_intensity", "site")) is not None:
            yield tile(words("mix"), f"{mix:.0f} g", words("per_kwh"))
        for series, seconds in self._view.select("runtime_at_this_draw", "battery"):
            name = self._view.app.redactor(series.labels.get("device", ""))
            yield tile(f"{name} {words('lasts')}", words.quantity(seconds, "seconds"), words("at_this_draw"))

    def parts(self) -> str:
        """Each part with its share and its cost, folded."""
        title, columns = self._view.words("site_parts"), ["name", "device", "host", *self._columns]
        rows = [[*self._names(part), *self._figures(part, self._watts, self._joules)] for part in _ranked(self._watts)]
        table = render_table(self._view, title, columns, rows, key="-part")
        return f'<details id="parts"><summary>{escape(title)}</summary>{table}</details>' if rows else ""

    def hosts(self) -> str:
        """What the hosts of the site draw, each as a whole."""
        watts, joules = _by_host(self._watts), _by_host(self._joules)
        title, beside = self._view.words("site_hosts"), self._view.words("no_host")
        rows = [[Cell(host or beside), *self._figures(host, watts, joules)] for host in _ranked(watts)]
        table = render_table(self._view, title, ["name", *self._columns], rows, key="-host")
        return f"<section><h2>{escape(title)}</h2>{table}</section>" if rows else ""

    @property
    def _columns(self) -> Sequence[str]:
        return ["power", "share", "energy", *(["cost_a_day"] if self._rate is not None else [])]

    def _names(self, part: _Part) -> Row:
        words = self._view.words
        is_rest = part.component == Component.HOST
        name = words("rest_of_host") if is_rest else words.maybe(f"one_{part.component}", part.component)
        return Cell(name), Cell(part.device), Cell(part.host)

    def _figures(self, key: KeyT, watts: Mapping[KeyT, float], joules: Mapping[KeyT, float]) -> Iterator[Cell]:
        words, power, whole = self._view.words, watts[key], sum(watts.values()) or 1.0
        yield Cell(words.quantity(power, "W"), power)
        yield Cell(words.quantity(power / whole, "ratio"), power / whole)
        yield Cell(words.quantity(joules[key] / 3600, "Wh"), joules[key]) if key in joules else Cell("")
        if self._rate is not None:
            yield Cell(words.money(power * self._rate, self._currency), power * self._rate)

    @cached_property
    def _rate(self) -> float | None:
        """What a watt costs in a day, the building's overhead included; None where no price is known."""
        price = self._value("price", "host")
        overhead = self._value("power_usage_effectiveness", "building") or 1.0
        return None if price is None else price * overhead * KWH_OF_A_WATT_DAY

    @cached_property
    def _currency(self) -> str:
        return currency_of(self._view)

    def _parts(self, topic: str) -> Mapping[_Part, float]:
        """Of the first ledger: a second one would count the same again."""
        by_source: dict[str, dict[_Part, float]] = {}
        for series, value in self._view.select(topic, "site"):
            part = _Part(*(series.labels.get(label, "") for label in _Part._fields))
            by_source.setdefault(series.source, {})[part] = value
        return next(iter(by_source.values()), {})

    def _value(self, topic: str, of: str) -> float | None:
        return next((value for _, value in self._view.select(topic, of)), None)


def _by_host(parts: Mapping[_Part, float]) -> Mapping[str, float]:
    sums: dict[str, float] = {}
    for part, value in parts.items():
        sums[part.host] = sums.get(part.host, 0.0) + value
    return sums


def _ranked(watts: Mapping[KeyT, float]) -> list[KeyT]:
    return sorted(watts, key=lambda key: -watts[key])
