"""Which fields of a device could be metrics, and whether they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from collector_plugins.solix.mapping import SITE, SITE_ENERGY, TABLES, Field, Table
from collector_plugins.solix.merge import Source
from collector_plugins.solix.parsing import flat, number

_TELLING = re.compile(
    r"power|energy|soc|solar|photovoltaic|(^|[._])pv([._]|$)|grid|charg|load|batter|home|yield|temperature|voltage|current"
)
_SETTING = re.compile(
    r"switch|limit|mode|preset|cutoff|(^|[._])set_|schedule|status|_sn$|type|unit|timeout|priority|count|(^|[._])(max|min)_"
)


COPY_OF_MQTT = "mqtt_data"  # where the library keeps messages among what the cloud says


class Found(NamedTuple):
    """One field that could be a metric."""

    name: str
    source: Source
    value: float
    mapped: bool


def fields(kind: str, rest: Mapping[str, Any], mqtt: Mapping[str, Any]) -> Iterator[Found]:
    """What is told of a device of a class, by both sources."""
    table = TABLES.get(kind, Table())
    told = {name: value for name, value in rest.items() if name != COPY_OF_MQTT}
    yield from _fields(told, Source.REST, table.rest)
    yield from _fields(mqtt, Source.MQTT, table.mqtt)


def site_fields(site: Mapping[str, Any]) -> Iterator[Found]:
    """What is told of a site."""
    yield from _fields(site, Source.REST, (*SITE, *SITE_ENERGY))


def _fields(values: Mapping[str, Any], source: Source, table: tuple[Field, ...] | Any) -> Iterator[Found]:
    mapped = {field.name for field in table}
    for name, raw in flat(values):
        value = number(raw)
        telling = name in mapped or (_TELLING.search(name) and not _SETTING.search(name))
        if value is not None and telling:
            yield Found(name, source, value, name in mapped)
