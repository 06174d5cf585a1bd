"""Telegrams of smart meters: DSMR 2.2 to 5, its Belgian (eMUCS) and Luxembourgian kin (P1 companion standard 5.0.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MOST_BYTES = 32 << 10  # of a telegram; real ones have 1 to 2 KiB
JOULES_PER_KWH = 3.6e6
WATTS_PER_KW = 1000.0
MOST_WATTS = 1e7
GAS_METER = 3  # type of a device on the meter's bus (EN 13757-3)
TOTAL = "total"

_LINE = re.compile(r"(?P<id>\d-\d:\d{1,3}\.\d{1,3}\.\d{1,3})(?P<values>(?:\([^()]*\))+)")
_VALUE = re.compile(r"\(([^()]*)\)")
_NUMBER = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)(?:\*(\w+))?")
_END = re.compile(rb"!([0-9A-Fa-f]{4})?[ \t]*\r?\n")
# DSMR 2 and 3: `0-1:24.3.0(121030140000)(00)(60)(1)(0-1:24.2.1)(m3)`, and the value on a line of its own.
_OLD_GAS = re.compile(r"0-([1-4]):24\.3\.0(?:\([^()]*\)){5}\(m3\)\s*\((\d{1,12}(?:\.\d{1,6})?)\)")
_TARIFFS = ("1", "2", "3", "4")


@dataclass
class Telegram:
    """What a meter says, in base units; None and empty where it does not."""

    meter: str = ""
    tariff: str = ""
    import_watts: float | None = None
    export_watts: float | None = None
    import_joules: Mapping[str, float] = field(default_factory=dict)  # by tariff
    export_joules: Mapping[str, float] = field(default_factory=dict)
    phase_watts: Mapping[str, float] = field(default_factory=dict)  # by phase
    phase_volts: Mapping[str, float] = field(default_factory=dict)
    phase_amperes: Mapping[str, float] = field(default_factory=dict)
    gas: Mapping[str, float] = field(default_factory=dict)  # cubic metres, by channel


class Framed(NamedTuple):
    """A telegram from `/` to `!`, and the checksum that came with it."""

    text: bytes
    checksum: bytes | None

    @property
    def is_intact(self) -> bool:
        """Whether the checksum is right; meters before DSMR 4 send none."""
        return self.checksum is None or crc16(self.text) == int(self.checksum, 16)


class Splitter:
    """Finds whole telegrams in what comes piece by piece."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, piece: bytes) -> list[Framed]:
        """The telegrams that are complete with this piece."""
        self._buffer += piece
        found: list[Framed] = []
        while end := _END.search(self._buffer):
            text = self._buffer[: end.start() + 1]
            self._buffer = self._buffer[end.end() :]
            start = text.rfind(b"\n/") + 1 or (0 if text.startswith(b"/") else text.find(b"/"))
            if start >= 0:
                found.append(Framed(text[start:], end[1]))
        self._buffer = self._buffer[-MOST_BYTES:]
        return found


def _of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_CRC_OF_BYTES = tuple(map(_of_byte, range(256)))


def crc16(content: bytes) -> int:
    """CRC-16/ARC: x^16 + x^15 + x^2 + 1, least significant bit first."""
    crc = 0
    for byte in content:
        crc = crc >> 8 ^ _CRC_OF_BYTES[(crc ^ byte) & 0xFF]
    return crc


def parse(telegram: bytes) -> Telegram:
    """What a telegram says; lines that are unknown or say what no meter can are left out."""
    text = telegram.decode("ascii", errors="replace")
    lines = {match["id"]: _VALUE.findall(match["values"]) for match in _LINE.finditer(text)}
    tariff = lines.get("0-0:96.14.0", [""])[-1]
    return Telegram(
        meter=text.partition("\n")[0].strip("/\r "),
        tariff=tariff.lstrip("0") if tariff.isdecimal() else "",
        import_watts=_watts(lines, "1-0:1.7.0"),
        export_watts=_watts(lines, "1-0:2.7.0"),
        import_joules=_by_tariff(lines, 1),
        export_joules=_by_tariff(lines, 2),
        phase_watts=dict(_phase_watts(lines)),
        phase_volts=dict(_phases(lines, 32, "V", 1000.0)),
        phase_amperes=dict(_phases(lines, 31, "A", 10_000.0)),
        gas=dict(_gas(lines, {channel: float(value) for channel, value in _OLD_GAS.findall(text)})),
    )


Lines = Mapping[str, Sequence[str]]


def _quantity(lines: Lines, name: str, unit: str) -> float | None:
    """The last value of a line, where it has the unit."""
    match = _NUMBER.fullmatch(lines[name][-1]) if name in lines else None
    return float(match[1]) if match and match[2] == unit else None


def _watts(lines: Lines, name: str) -> float | None:
    kilowatts = _quantity(lines, name, "kW")
    return kilowatts * WATTS_PER_KW if kilowatts is not None and kilowatts * WATTS_PER_KW <= MOST_WATTS else None


def _by_tariff(lines: Lines, direction: int) -> dict[str, float]:
    """Each tariff; the total only where there is none, so that they can be added up."""
    names = {tariff: f"1-0:{direction}.8.{tariff}" for tariff in _TARIFFS}
    found = {tariff: kwh for tariff, name in names.items() if (kwh := _quantity(lines, name, "kWh")) is not None}
    total = _quantity(lines, f"1-0:{direction}.8.0", "kWh")
    if not found and total is not None:
        found = {TOTAL: total}
    return {tariff: kwh * JOULES_PER_KWH for tariff, kwh in found.items()}


def _phases(lines: Lines, first: int, unit: str, most: float) -> Iterator[tuple[str, float]]:
    for phase in range(3):
        value = _quantity(lines, f"1-0:{first + 20 * phase}.7.0", unit)
        if value is not None and value <= most:
            yield f"L{phase + 1}", value


def _phase_watts(lines: Lines) -> Iterator[tuple[str, float]]:
    for phase in range(3):
        drawn, fed = (_watts(lines, f"1-0:{first + 20 * phase}.7.0") for first in (21, 22))
        if drawn is not None or fed is not None:
            yield f"L{phase + 1}", (drawn or 0.0) - (fed or 0.0)


def _gas(lines: Lines, old: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    for channel in map(str, range(1, 5)):
        kind = lines.get(f"0-{channel}:24.1.0", [""])[-1]
        readings = [_quantity(lines, f"0-{channel}:24.2.{which}", "m3") for which in (1, 3)]
        told = [value for value in (*readings, old.get(channel)) if value is not None]
        if told and kind.isdecimal() and int(kind) == GAS_METER:
            yield channel, told[0]
