"""What is in registers, and which registers a device has."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib import resources
from math import isfinite
from typing import NamedTuple

from collector_plugins.modbus.client import MOST_REGISTERS, RegisterType


class Type(StrEnum):
    """How a number is written in registers."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"


class WordOrder(StrEnum):
    """Which of several registers comes first: the most significant one (big) or the least."""

    BIG = "big"
    LITTLE = "little"


_FORMATS = {
    Type.INT16: "h",
    Type.UINT16: "H",
    Type.INT32: "i",
    Type.UINT32: "I",
    Type.INT64: "q",
    Type.UINT64: "Q",
    Type.FLOAT32: "f",
    Type.FLOAT64: "d",
}
# What devices write where they know nothing (SunSpec, SMA), or where a number does not fit (Carlo Gavazzi).
_UNKNOWN: Mapping[Type, frozenset[int]] = {
    Type.INT16: frozenset({-(1 << 15)}),
    Type.UINT16: frozenset({(1 << 16) - 1}),
    Type.INT32: frozenset({-(1 << 31), (1 << 31) - 1}),
    Type.UINT32: frozenset({(1 << 32) - 1}),
    Type.INT64: frozenset({-(1 << 63)}),
    Type.UINT64: frozenset({(1 << 64) - 1}),
}


SINGLE_DIGITS = 7  # decimal digits that a number of 32 bits has


class Register(NamedTuple):
    """Where a quantity is: a word of `DeviceReading`, with the phase or outlet where it has one."""

    word: str
    part: str
    kind: RegisterType
    address: int
    type: Type
    word_order: WordOrder
    scale: float

    @property
    def size(self) -> int:
        """How many registers it takes."""
        return struct.calcsize(_FORMATS[self.type]) // 2


class Block(NamedTuple):
    """Registers that follow each other, so that one request reads them."""

    kind: RegisterType
    address: int
    size: int
    registers: Sequence[Register]


def decode(content: bytes, kind: Type, word_order: WordOrder) -> float | None:
    """The number in registers; None where the device says that it knows none."""
    if word_order is WordOrder.LITTLE:
        content = b"".join(content[at : at + 2] for at in range(len(content) - 2, -1, -2))
    (value,) = struct.unpack(f">{_FORMATS[kind]}", content)
    if not isfinite(value) or value in _UNKNOWN.get(kind, ()):
        return None
    return as_written(value, SINGLE_DIGITS) if kind is Type.FLOAT32 else float(value)


def as_written(value: float, digits: int = 12) -> float:
    """Without the digits that only binary fractions have: 230.1 V, not 230.10000610351562."""
    return float(f"{value:.{digits}g}")


def blocks(registers: Iterable[Register]) -> Iterator[Block]:
    """What to ask for; nothing between registers is asked for, as some devices refuse that."""
    run: list[Register] = []
    for each in sorted(registers, key=lambda register: (register.kind, register.address)):
        if run and not _follows(run, each):
            yield _block(run)
            run = []
        run.append(each)
    if run:
        yield _block(run)


def _follows(run: Sequence[Register], register: Register) -> bool:
    first, last = run[0], run[-1]
    end = last.address + last.size
    is_short = register.address + register.size - first.address <= MOST_REGISTERS
    return register.kind is first.kind and register.address == end and is_short


def _block(run: Sequence[Register]) -> Block:
    size = run[-1].address + run[-1].size - run[0].address
    return Block(run[0].kind, run[0].address, size, tuple(run))


@cache
def models() -> Mapping[str, Sequence[Register]]:
    """The registers of every model that is known, by its name."""
    found: dict[str, list[Register]] = {}
    with resources.files(__package__).joinpath("models.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            register = Register(
                row["word"],
                row["part"],
                RegisterType(row["kind"]),
                int(row["address"]),
                Type(row["type"]),
                WordOrder(row["word_order"]),
                float(row["scale"]),
            )
            found.setdefault(row["model"], []).append(register)
    return found
