"""Devices that are known: where each says what."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from math import fsum
from typing import Any, NamedTuple

from collector_core.devices import DeviceReading, number

OUTLET = "outlet_power_watts"


class Row(NamedTuple):
    """One quantity of a model; `place` is a JSON pointer in which `*` stands for anything."""

    path: str
    word: str
    place: str
    scale: float
    part: str


@cache
def models() -> Mapping[str, Sequence[Row]]:
    """The rows of every model, by its name."""
    found: dict[str, list[Row]] = {}
    with resources.files(__package__).joinpath("models.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            model = found.setdefault(row["model"], [])
            model.append(Row(row["path"], row["word"], row["place"], float(row["scale"]), row["part"]))
    return found


def read_model(rows: Sequence[Row], document: Any) -> DeviceReading:
    """What a device of a model says; the power of several channels is added up, and shown by outlet."""
    reading, channels, totals = DeviceReading(), dict[str, float](), dict[str, list[float]]()
    for row in rows:
        values = {label: value * row.scale for label, value in select(document, row.place)}
        if "*" not in row.place:
            for value in values.values():
                reading.tell(row.word, value, row.part)
        elif values:
            totals.setdefault(row.word, []).extend(values.values())
            channels |= values if row.word == "power_watts" else {}
    for word, parts in totals.items():
        reading.tell(word, fsum(parts))
    for label, watts in channels.items() if len(channels) > 1 else ():
        reading.tell(OUTLET, watts, label)
    return reading


def select(document: Any, place: str) -> Iterator[tuple[str, float]]:
    """Every number at a place, and the key or index that stands for its `*`."""
    found = [("", document)]
    for token in place.split("/")[1:]:
        found = [(label or more, value) for label, each in found for more, value in _children(each, token)]
    for label, value in found:
        if (told := number(value)) is not None:
            yield label, told


def _children(document: Any, token: str) -> Iterator[tuple[str, Any]]:
    """What is at a token, with a label where the token has a `*`."""
    if isinstance(document, list):
        document = {str(index): value for index, value in enumerate(document)}
    items: Mapping[str, Any] = document if isinstance(document, dict) else {}
    head, star, tail = token.partition("*")
    for key, value in items.items():
        if not star and key == token:
            yield "", value
        elif star and key.startswith(head) and key.endswith(tail):
            yield key, value
