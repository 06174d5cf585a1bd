"""The whole site: what it draws, costs and emits, how long batteries last, and what each part has of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple, TypeVar

from collector_core.metering import Component
from collector_core.model.topics import TopicSelector
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


def site_tiles(view: View) -> Iterator[str]:
    """What a day of this draw costs, the carbon of the mix, and how long batteries last, as far as they are known."""
    words, watts = view.words, sum(_parts(view, "total_power").values())
    if watts and (rate := _cost_of_watt_day(view)) is not None:
        yield tile(words("cost_a_day"), words.money(watts * rate, currency_of(view)), words("at_this_draw"))
    if (mix := _value(view, "carbon_intensity", "site")) is not None:
        yield tile(words("mix"), f"{mix:.0f} g", words("per_kwh"))
    for series, seconds in TopicSelector("runtime_at_this_draw", of="battery").select(view.app.exposition.published()):
        name = view.app.redactor(series.labels.get("device", ""))
        yield tile(f"{name} {words('lasts')}", words.quantity(seconds, "seconds"), words("at_this_draw"))


def total_tile(view: View) -> str:
    """What all of it draws, and has drawn; empty where that is not more than one machine."""
    watts, joules = (_parts(view, topic) for topic in ("total_power", "total_energy"))
    if len({part.host for part in watts}) < 2:
        return ""
    counted = f"{view.words.quantity(sum(joules.values()) / 3600, 'Wh')} {view.words('since_start')}" if joules else ""
    return tile(view.words("whole_site"), view.words.quantity(sum(watts.values()), "W"), counted)


def render_parts(view: View) -> str:
    """Each part of the site with its share and its cost, folded; empty where no ledger knows of a site."""
    watts, joules = (_parts(view, topic) for topic in ("total_power", "total_energy"))
    title, columns = view.words("site_parts"), ["name", "device", "host", *_columns(view)]
    rows = [[*_names(view, part), *_figures(view, part, watts, joules)] for part in _ranked(watts)]
    table = render_table(view, title, columns, rows, key="-part")
    return f'<details id="parts"><summary>{escape(title)}</summary>{table}</details>' if rows else ""


def render_hosts(view: View) -> str:
    """What the hosts of the site draw, each as a whole; empty where no ledger knows of any."""
    watts, joules = (_by_host(_parts(view, topic)) for topic in ("total_power", "total_energy"))
    rows = [[Cell(host or view.words("no_host")), *_figures(view, host, watts, joules)] for host in _ranked(watts)]
    title = view.words("site_hosts")
    table = render_table(view, title, ["name", *_columns(view)], rows, key="-host")
    return f"<section><h2>{escape(title)}</h2>{table}</section>" if rows else ""


def _parts(view: View, topic: str) -> Mapping[_Part, float]:
    """Of the first ledger: a second one would count the same again."""
    by_source: dict[str, dict[_Part, float]] = {}
    for series, value in TopicSelector(topic, of="site").select(view.app.exposition.published()):
        part = _Part(*(series.labels.get(label, "") for label in _Part._fields))
        by_source.setdefault(series.source, {})[part] = value
    return next(iter(by_source.values()), {})


def _by_host(parts: Mapping[_Part, float]) -> Mapping[str, float]:
    sums: dict[str, float] = {}
    for part, value in parts.items():
        sums[part.host] = sums.get(part.host, 0.0) + value
    return sums


def _ranked(watts: Mapping[KeyT, float]) -> list[KeyT]:
    return sorted(watts, key=lambda key: -watts[key])


def _names(view: View, part: _Part) -> Row:
    words = view.words
    is_rest = part.component == Component.HOST
    name = words("rest_of_host") if is_rest else words.maybe(f"one_{part.component}", part.component)
    return Cell(name), Cell(part.device), Cell(part.host)


def _columns(view: View) -> Sequence[str]:
    return ["power", "share", "energy", *(["cost_a_day"] if _cost_of_watt_day(view) is not None else [])]


def _figures(view: View, key: KeyT, watts: Mapping[KeyT, float], joules: Mapping[KeyT, float]) -> Iterator[Cell]:
    words, power, whole = view.words, watts[key], sum(watts.values()) or 1.0
    yield Cell(words.quantity(power, "W"), power)
    yield Cell(words.quantity(power / whole, "ratio"), power / whole)
    yield Cell(words.quantity(joules[key] / 3600, "Wh"), joules[key]) if key in joules else Cell("")
    if (rate := _cost_of_watt_day(view)) is not None:
        yield Cell(words.money(power * rate, currency_of(view)), power * rate)


def _cost_of_watt_day(view: View) -> float | None:
    """What a watt costs in a day, the building's overhead included; None where no price is known."""
    price = _value(view, "price", "host")
    overhead = _value(view, "power_usage_effectiveness", "building") or 1.0
    return None if price is None else price * overhead * KWH_OF_A_WATT_DAY


def _value(view: View, topic: str, of: str) -> float | None:
    found = TopicSelector(topic, of=of).select(view.app.exposition.published())
    return next((value for _, value in found), None)
