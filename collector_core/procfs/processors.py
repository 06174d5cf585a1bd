"""Tables of processors: the TDP of those that are known by name, and of families for all others."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from collector_core.procfs.cpu import CpuDescription

PROCESSORS = Path(__file__).with_name("processors.csv")
FAMILIES = Path(__file__).with_name("families.csv")

_TRADEMARKS = re.compile(r"\((?:r|tm|c)\)", re.IGNORECASE)
_GENERATION = re.compile(r"^\d+th gen ")
# What stands after a model: its clock, its number of cores, its graphics.
_REST = re.compile(r" (?:@|\S+-cores?\b|with |w/).*$")
_FILLERS = frozenset({"cpu", "processor", "apu"})


class ProcessorKind(StrEnum):
    """What a processor is made for, which says how near to its TDP it is run."""

    SERVER = "server"
    DESKTOP = "desktop"
    LAPTOP = "laptop"
    BOARD = "board"


class Processor(NamedTuple):
    """One socket as its maker specifies it."""

    name: str
    tdp_watts: float
    cores: int
    threads: int
    kind: ProcessorKind


class ProcessorFamily(NamedTuple):
    """What is typical of processors whose name fits the pattern.

    The TDP of a socket is `socket_watts` and `watts_per_core` for each of its cores; a typical one has `cores`. Where
    it is not `known`, the pattern says too little of a processor to tell its TDP.
    """

    pattern: str
    socket_watts: float
    watts_per_core: float
    cores: int
    threads_per_core: int
    kind: ProcessorKind
    known: bool

    def tdp_watts(self, cores: float) -> float:
        """The TDP of a socket with so many cores."""
        return self.socket_watts + self.watts_per_core * cores


def normalized(name: str) -> str:
    """A name that the kernel or a table gives, as one can compare it: `intel xeon e5-2620 v3`."""
    words = " ".join(_TRADEMARKS.sub(" ", name).lower().split()).replace("fx -", "fx-")
    words = _REST.sub("", _GENERATION.sub("", words))
    return " ".join(word for word in words.split() if word not in _FILLERS)


def find_processor(names: Sequence[str], table: str | None = None) -> Processor | None:
    """The first of the names that a table in the format of processors.csv has, ours by default; raises `ValueError`."""
    table = PROCESSORS.read_text(encoding="utf-8") if table is None else table
    rows = {normalized(row.name): row for row in parse_processors(table)}
    return next((rows[name] for name in map(normalized, names) if name in rows), None)


def find_family(names: Sequence[str], table: str | None = None) -> ProcessorFamily:
    """The family of the first name that has one; a table, in the format of families.csv, ends with one for all.

    Raises `ValueError`.
    """
    table = FAMILIES.read_text(encoding="utf-8") if table is None else table
    families = list(parse_families(table))
    for name in map(normalized, names):
        for family in families[:-1]:
            if fnmatchcase(name, family.pattern):
                return family
    if not families:
        raise ValueError("the table of families is empty")
    return families[-1]


def find_tdp(cpus: CpuDescription) -> float | None:
    """The thermal design power of one socket in watts, as its maker specifies it; None where its name does not tell.

    Within a factor of two where only the family is known.
    """
    if processor := find_processor(cpus.names):
        return processor.tdp_watts
    family = find_family(cpus.names)
    return family.tdp_watts(cpus.cores / cpus.sockets) if family.known else None


def parse_processors(table: str) -> Iterator[Processor]:
    """The rows of a table of processors; raises `ValueError` with the row that is wrong."""
    for model, tdp, cores, threads, kind in _rows(table, 5):
        yield Processor(model, _positive(tdp, model), _count(cores, model), _count(threads, model), ProcessorKind(kind))


def parse_families(table: str) -> Iterator[ProcessorFamily]:
    """The rows of a table of families, the most special first; raises `ValueError` with the row that is wrong."""
    for pattern, socket, core, cores, threads, kind, known in _rows(table, 7):
        family = ProcessorFamily(
            pattern,
            _from_0(socket, pattern),
            _from_0(core, pattern),
            _count(cores, pattern),
            _count(threads, pattern),
            ProcessorKind(kind),
            _truth(known, pattern),
        )
        if family.tdp_watts(family.cores) <= 0:
            raise ValueError(f"{pattern}: 0 W")
        yield family


def _rows(table: str, width: int) -> Iterator[list[str]]:
    lines = [line for line in table.splitlines() if line.strip() and not line.startswith("#")]
    for row in csv.reader(lines[1:]):
        if len(row) != width:
            raise ValueError(f"{','.join(row)}: {len(row)} columns, must be {width}")
        yield row


def _positive(text: str, row: str) -> float:
    value = _from_0(text, row)
    if value == 0:
        raise ValueError(f"{row}: {text} W")
    return value


def _from_0(text: str, row: str) -> float:
    value = float(text)
    if not (isfinite(value) and value >= 0):
        raise ValueError(f"{row}: {text} W")
    return value


def _truth(text: str, row: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError(f"{row}: {text!r} must be yes or no")
    return text == "yes"


def _count(text: str, row: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(f"{row}: {text} cores or threads")
    return value
