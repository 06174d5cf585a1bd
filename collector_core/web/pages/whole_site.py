"""The whole site on Now: what it draws, costs and emits, how long batteries last, and what each part has of it."""

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


def render_site(view: View) -> str:
    """The section; empty where no ledger knows of a site."""
    watts = _parts(view, "total_power")
    if not watts:
        return ""
    words = view.words
    return (
        f'<section aria-labelledby="site"><h2 id="site">{escape(words("the_site"))}</h2>'
        f'<ul class="tiles">{"".join(_tiles(view, sum(watts.values())))}</ul>'
        f'<details id="parts"><summary>{escape(words("site_parts"))}</summary>{_table(view, watts)}</details></section>'
    )


def site_watts(view: View) -> float | None:
    """What all of it draws; None where that is not more than one machine."""
    watts = _parts(view, "total_power")
    return sum(watts.values()) if len({part.host for part in watts}) > 1 else None


def _parts(view: View, topic: str) -> Mapping[_Part, float]:
    """Of the first ledger: a second one would count the same again."""
    by_source: dict[str, dict[_Part, float]] = {}
    for series, value in TopicSelector(topic, of="site").select(view.app.exposition.published()):
        part = _Part(*(series.labels.get(label, "") for label in _Part._fields))
        by_source.setdefault(series.source, {})[part] = value
    return next(iter(by_source.values()), {})


def _tiles(view: View, watts: float) -> Iterator[str]:
    words = view.words
    joules = sum(_parts(view, "total_energy").values())
    counted = f"{words.quantity(joules / 3600, 'Wh')} {words('since_start')}" if joules else ""
    yield tile(words("power"), words.quantity(watts, "W"), counted)
    if (rate := _cost_of_watt_day(view)) is not None:
        yield tile(words("cost_a_day"), words.money(watts * rate, currency_of(view)), words("at_this_draw"))
    if (mix := _value(view, "carbon_intensity", "site")) is not None:
        grams = _value(view, "total_emissions", "site")
        emitted = "" if grams is None else f"{words.quantity(grams, 'grams')} CO₂ {words('since_start')}"
        yield tile(words("mix"), f"{words.number(f'{mix:.0f}')} g/kWh", emitted)
    for series, seconds in TopicSelector("runtime_at_this_draw", of="battery").select(view.app.exposition.published()):
        name = view.app.redactor(series.labels.get("device", ""))
        yield tile(f"{name}: {words('lasts')}", words.quantity(seconds, "seconds"), words("at_this_draw"))


def render_hosts(view: View) -> str:
    """What the hosts of the site draw, each as a whole; empty where no ledger knows of any."""
    watts, joules = (_by_host(_parts(view, topic)) for topic in ("total_power", "total_energy"))
    rows = [[Cell(host or view.words("no_host")), *_figures(view, host, watts, joules)] for host in _ranked(watts)]
    title = view.words("site_hosts")
    table = render_table(view, title, ["name", *_columns(view)], rows, key="-host")
    return f"<section><h2>{escape(title)}</h2>{table}</section>" if rows else ""


def _by_host(parts: Mapping[_Part, float]) -> Mapping[str, float]:
    sums: dict[str, float] = {}
    for part, value in parts.items():
        sums[part.host] = sums.get(part.host, 0.0) + value
    return sums


def _table(view: View, watts: Mapping[_Part, float]) -> str:
    joules = _parts(view, "total_energy")
    rows = [[*_names(view, part), *_figures(view, part, watts, joules)] for part in _ranked(watts)]
    columns = ["name", "device", "host", *_columns(view)]
    return render_table(view, view.words("site_parts"), columns, rows, key="-part")


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
