"""Finds the registers of devices that describe themselves: SunSpec's information models (inverters 1xx, meters 2xx)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from collector_core import NotAvailable, Reason
from collector_core.devices import DeviceReading
from collector_plugins.modbus.client import RegisterRefused
from collector_plugins.modbus.registers import Type, WordOrder, as_written, decode

Read = Callable[[int, int], Awaitable[bytes]]  # address, how many registers → their content

BASES = (40000, 0, 50000)
MARK = b"SunS"
END = 0xFFFF
MOST_MODELS = 40
MOST_LENGTH = 1000
MOST_READ = 70  # registers of a model; what is looked for is among the first
INVERTERS = frozenset({101, 102, 103})
FLOAT_INVERTERS = frozenset({111, 112, 113})
METERS = frozenset({201, 202, 203, 204})
FLOAT_METERS = frozenset({211, 212, 213, 214})


class _Point(NamedTuple):
    """A quantity at an offset in its model, and where its power of ten is; floats have none."""

    word: str
    offset: int
    type: Type
    scale_offset: int | None = None
    part: str = ""


def _phases(word: str, offset: int, kind: Type, scale_offset: int | None) -> Iterator[_Point]:
    step = 2 if kind is Type.FLOAT32 else 1
    for number in range(3):
        yield _Point(word, offset + step * number, kind, scale_offset, f"L{number + 1}")


_POINTS = {
    INVERTERS: (
        _Point("power_watts", 14, Type.INT16, 15),
        _Point("frequency_hertz", 16, Type.UINT16, 17),
        _Point("energy_wh", 24, Type.UINT32, 26),
        _Point("dc_power_watts", 31, Type.INT16, 32),
        *_phases("phase_voltage_volts", 10, Type.UINT16, 13),
        *_phases("phase_current_amperes", 3, Type.UINT16, 6),
    ),
    FLOAT_INVERTERS: (
        _Point("power_watts", 22, Type.FLOAT32),
        _Point("frequency_hertz", 24, Type.FLOAT32),
        _Point("energy_wh", 32, Type.FLOAT32),
        _Point("dc_power_watts", 38, Type.FLOAT32),
        *_phases("phase_voltage_volts", 16, Type.FLOAT32, None),
        *_phases("phase_current_amperes", 4, Type.FLOAT32, None),
    ),
    METERS: (
        _Point("power_watts", 18, Type.INT16, 22),
        _Point("frequency_hertz", 16, Type.INT16, 17),
        _Point("export_energy_wh", 38, Type.UINT32, 54),
        _Point("energy_wh", 46, Type.UINT32, 54),
        *_phases("phase_voltage_volts", 8, Type.INT16, 15),
        *_phases("phase_current_amperes", 3, Type.INT16, 6),
        *_phases("phase_power_watts", 19, Type.INT16, 22),
    ),
    FLOAT_METERS: (
        _Point("power_watts", 28, Type.FLOAT32),
        _Point("frequency_hertz", 26, Type.FLOAT32),
        _Point("export_energy_wh", 60, Type.FLOAT32),
        _Point("energy_wh", 68, Type.FLOAT32),
        *_phases("phase_voltage_volts", 12, Type.FLOAT32, None),
        *_phases("phase_current_amperes", 4, Type.FLOAT32, None),
        *_phases("phase_power_watts", 30, Type.FLOAT32, None),
    ),
}


class Model(NamedTuple):
    """An information model: its number, the address where it begins, and how many registers it has in all."""

    number: int
    address: int
    size: int


async def find_model(read: Read) -> Model:
    """The first inverter or meter that a device describes; raises `NotAvailable` where there is none."""
    address = await _base(read) + 2
    for _ in range(MOST_MODELS):
        head = await read(address, 2)
        number, length = int.from_bytes(head[:2]), int.from_bytes(head[2:])
        if number == END or length > MOST_LENGTH:
            break
        if any(number in numbers for numbers in _POINTS):
            return Model(number, address, length + 2)
        address += length + 2
    raise NotAvailable(
        Reason.NOT_SUPPORTED, "it describes neither an inverter nor a meter", fix="check `unit`; meters often have 240"
    )


async def read_model(read: Read, model: Model) -> DeviceReading:
    """What a model says; raises `RegisterRefused` where another one is there now."""
    points = next(points for numbers, points in _POINTS.items() if model.number in numbers)
    content = await read(model.address, min(model.size, MOST_READ))
    if int.from_bytes(content[:2]) != model.number:
        raise RegisterRefused(Reason.BAD_DATA, "it describes itself anew", fix="none needed: it is looked at again")
    return told_by(points, content)


def told_by(points: tuple[_Point, ...], content: bytes) -> DeviceReading:
    """What the registers of a model say; what the device does not know is left out."""
    reading = DeviceReading()
    for point in points:
        value = _at(content, point.offset, point.type)
        exponent = 0.0 if point.scale_offset is None else _at(content, point.scale_offset, Type.INT16)
        if point.type is Type.UINT32 and value == 0:  # acc32: it does not count this, or has not yet
            continue
        if value is not None and exponent is not None and -10 <= exponent <= 10:
            reading.tell(point.word, as_written(value * 10.0**exponent), point.part)
    return reading


def _at(content: bytes, offset: int, kind: Type) -> float | None:
    size = 4 if kind in (Type.UINT32, Type.FLOAT32) else 2
    piece = content[2 * offset : 2 * offset + size]
    return decode(piece, kind, WordOrder.BIG) if len(piece) == size else None


async def _base(read: Read) -> int:
    for base in BASES:
        try:
            if await read(base, 2) == MARK:
                return base
        except RegisterRefused:
            continue
    raise NotAvailable(
        Reason.NOT_SUPPORTED,
        "it does not speak SunSpec",
        fix="enable SunSpec on it (SMA: unit 126), or name another `model`",
    )
