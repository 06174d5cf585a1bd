"""Devices that are known: which variables they have, and what these mean."""

from __future__ import annotations

import csv
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from math import fsum
from typing import NamedTuple

from collector_core.devices import DeviceReading, number, quantity_words
from collector_plugins.snmp.ber import Oid, Value
from collector_plugins.snmp.session import Session

POWER, PHASE_POWER = "power_watts", "phase_power_watts"
LOAD, RUNTIME, ON_BATTERY = "load_percent", "battery_runtime_seconds", "on_battery"
MOST = {LOAD: 10.0, RUNTIME: 1e7, ON_BATTERY: 1.0}
WORDS = frozenset(MOST)  # beside those of every meter
PHASES = 3
DIGITS = 12  # without those that only binary fractions have
UPS = frozenset({"rfc1628", "apc-ups", "eaton-ups"})


class Row(NamedTuple):
    """A quantity; in its `pattern` None stands for any number: the unit, phase or outlet."""

    word: str
    pattern: tuple[int | None, ...]
    scale: float
    state: int | None = None  # the number that means `on_battery`
    part: str = ""
    is_signed: bool = False

    @property
    def prefix(self) -> Oid:
        """What comes before the first number that may be any."""
        found = []
        for arc in self.pattern:
            if arc is None:
                break
            found.append(arc)
        return tuple(found)

    def index_of(self, name: Oid) -> Oid | None:
        """The numbers that stand for any; None where the name is not of this row."""
        if len(name) != len(self.pattern):
            return None
        if any(want is not None and want != have for want, have in zip(self.pattern, name, strict=True)):
            return None
        return tuple(have for want, have in zip(self.pattern, name, strict=True) if want is None)


class Instance(NamedTuple):
    """A variable that a device has; `label` is that of the phase or outlet."""

    name: Oid
    row: Row
    label: str


class TableReading(NamedTuple):
    """What a device tells: as every meter, and what only UPS tell."""

    reading: DeviceReading
    extra: Mapping[str, float]


def parse_oid(text: str) -> tuple[int | None, ...]:
    """The numbers of an object identifier such as `1.3.6.1.2.1.33.1.4.4.1.4.*`."""
    return tuple(None if arc == "*" else int(arc) for arc in text.removeprefix(".").split("."))


@cache
def tables() -> Mapping[str, Sequence[Row]]:
    """The rows of every table, by its name; the first of those that describe a device is the best one."""
    found: dict[str, list[Row]] = {}
    with resources.files(__package__).joinpath("tables.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            state = int(row["state"]) if row["state"] else None
            found.setdefault(row["table"], []).append(
                Row(row["word"], parse_oid(row["oid"]), float(row["scale"] or 1), state)
            )
    return found


async def find_instances(session: Session, rows: Sequence[Row]) -> list[Instance]:
    """The variables of the rows that a device has."""
    single = [row for row in rows if None not in row.pattern]
    names = await session.get([row.prefix for row in single])
    found = [Instance(row.prefix, row, row.part) for row in single if row.prefix in names]
    walks: dict[Oid, list[Oid]] = {}
    for row in rows:
        if None in row.pattern:
            if row.prefix not in walks:
                walks[row.prefix] = list(await session.walk(row.prefix))
            found += _labelled(row, walks[row.prefix])
    return found


def _labelled(row: Row, names: Iterable[Oid]) -> Iterator[Instance]:
    """By the number of the phase or outlet; where several units count the same numbers, by that of the unit, too."""
    is_phase = row.word.startswith("phase_")
    indices = {name: index for name in names if (index := row.index_of(name)) is not None}
    if is_phase:  # the fourth to sixth are what is between two of them
        indices = {name: index for name, index in indices.items() if index[-1] <= PHASES}
    is_plain = len({index[-1] for index in indices.values()}) == len(indices)
    for name, index in indices.items():
        yield Instance(name, row, ("L" if is_phase else "") + ".".join(map(str, index[-1:] if is_plain else index)))


def told_by(instances: Sequence[Instance], values: Mapping[Oid, Value]) -> TableReading:
    """What the variables mean; what is no number, or negative where that says "unknown", is left out."""
    found: dict[str, list[tuple[str, float]]] = {}
    for name, row, label in instances:
        value = _number(values.get(name))
        if value is not None and (value >= 0 or row.is_signed):
            told = value * row.scale if row.state is None else float(value == row.state)
            found.setdefault(row.word, []).append((label, float(f"{told:.{DIGITS}g}")))
    partial = {row.word for name, row, _ in instances if name not in values}
    return TableReading(_reading(found, partial), _extra(found))


def _reading(found: Mapping[str, Sequence[tuple[str, float]]], partial: Container[str]) -> DeviceReading:
    """`partial` are words of which a variable was not answered this time: the others are not added up."""
    reading = DeviceReading()
    for word, told in found.items():
        values, base = [value for _, value in told], word.removeprefix("phase_")
        if word.startswith("outlet_") or (word != base and len(told) > 1):
            for label, value in told:
                reading.tell(word, value, label)
        elif word not in WORDS and base not in found.keys() - {word}:  # a single phase is the device
            # Several units and cords are one device: what they draw adds up, of anything else the first counts.
            is_sum = base == POWER or "energy" in base
            if not (is_sum and word in partial):
                reading.tell(base, fsum(values) if is_sum else values[0])
    if POWER not in found and PHASE_POWER in found and PHASE_POWER not in partial:
        reading.tell(POWER, fsum(value for _, value in found[PHASE_POWER]))
    return reading


def _extra(found: Mapping[str, Sequence[tuple[str, float]]]) -> dict[str, float]:
    highest = {word: max(value for _, value in found[word]) for word in MOST.keys() & found.keys()}
    if LOAD in highest:
        highest[LOAD] /= 100
    return {word: value for word, value in highest.items() if 0 <= value <= MOST[word]}


def _number(value: Value) -> float | None:
    return number(value.decode("ascii", "replace") if isinstance(value, bytes) else value)


def known_words() -> frozenset[str]:
    """What a table may call its quantities."""
    return quantity_words() | WORDS
