"""Which fields of a device could be metrics, and whether they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from collector_plugins.solix.fields import Field, Table
from collector_plugins.solix.parsing import flat, number
from collector_plugins.solix.reading_cache import ReadingSource
from collector_plugins.solix.tables import SITE, SITE_ENERGY, TABLES

_MEASUREMENT = re.compile(
    r"power|energy|soc|solar|photovoltaic|(^|[._])pv([._]|$)|grid|charg|load|batter|home|yield|temperature|voltage|current"
)
_SETTING = re.compile(
    r"switch|limit|mode|preset|cutoff|(^|[._])set_|schedule|status|_sn$|type|unit|timeout|priority|count|(^|[._])(max|min)_"
)


COPY_OF_MQTT = "mqtt_data"  # where the library keeps messages among the cloud's fields


class NumericField(NamedTuple):
    """One field that could be a metric."""

    name: str
    source: ReadingSource
    value: float
    mapped: bool


def fields(kind: str, rest: Mapping[str, Any], mqtt: Mapping[str, Any]) -> Iterator[NumericField]:
    """The numeric fields of a device, from both sources; `kind` is its class."""
    table = TABLES.get(kind, Table())
    reported = {name: value for name, value in rest.items() if name != COPY_OF_MQTT}
    yield from _fields(reported, ReadingSource.REST, table.rest)
    yield from _fields(mqtt, ReadingSource.MQTT, table.mqtt)


def site_fields(site: Mapping[str, Any]) -> Iterator[NumericField]:
    """The numeric fields of a site."""
    yield from _fields(site, ReadingSource.REST, (*SITE, *SITE_ENERGY))


def _fields(values: Mapping[str, Any], source: ReadingSource, table: tuple[Field, ...] | Any) -> Iterator[NumericField]:
    mapped = {field.name for field in table}
    for name, raw in flat(values):
        value = number(raw)
        is_measurement = name in mapped or (_MEASUREMENT.search(name) and not _SETTING.search(name))
        if value is not None and is_measurement:
            yield NumericField(name, source, value, name in mapped)
