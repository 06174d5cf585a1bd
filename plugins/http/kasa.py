"""TP-Link Kasa plugs and strips by their own protocol: JSON over TCP, hidden by an XOR with what came before."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from itertools import accumulate
from math import fsum
from operator import xor
from typing import Any

from collector_core import NotAvailable, Reason
from collector_core.devices import DeviceReading, at_pointer, number, open_stream, parse_json

MODEL = "kasa"
PORT = 9999
FIRST_KEY = 171
MOST_BYTES = 64 << 10
MOST_SOCKETS = 16  # of a strip
SYSTEM: Mapping[str, Any] = {"system": {"get_sysinfo": {}}}
METER: Mapping[str, Any] = {"emeter": {"get_realtime": {}}}
# Firmware of before 2018 tells whole units.
_WORDS = {
    "power_mw": ("power_watts", 1e-3),
    "power": ("power_watts", 1.0),
    "voltage_mv": ("voltage_volts", 1e-3),
    "voltage": ("voltage_volts", 1.0),
    "current_ma": ("current_amperes", 1e-3),
    "current": ("current_amperes", 1.0),
    "total_wh": ("energy_wh", 1.0),
    "total": ("energy_kwh", 1.0),
}
_ADDED_UP = ("power_watts", "energy_joules", "current_amperes")


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as it goes over the line, after its length."""
    text = json.dumps(message).encode()
    hidden = bytes(accumulate(text, xor, initial=FIRST_KEY))[1:]
    return struct.pack(">I", len(hidden)) + hidden


def decode(hidden: bytes) -> Any:
    """The document; raises `NotAvailable` (bad_data)."""
    return parse_json(bytes(key ^ byte for key, byte in zip((FIRST_KEY, *hidden), hidden, strict=False)))


async def read_kasa(host: str, port: int) -> DeviceReading:
    """What a plug says, or the sockets of a strip together and each; raises `NotAvailable`."""
    info = at_pointer(await _ask(host, port, SYSTEM), "/system/get_sysinfo")
    children = at_pointer(info, "/children")
    if not isinstance(children, list) or not children:
        return _reading(await _ask(host, port, METER))
    sockets = {}
    for name, child in _sockets(info, children):
        sockets[name] = _reading(await _ask(host, port, {"context": {"child_ids": [child]}, **METER}))
    return _joined(sockets)


async def _ask(host: str, port: int, message: Mapping[str, Any]) -> Any:
    fix = "check its address; firmware that speaks only with TP-Link's account (KLAP) cannot be read"
    reader, writer = await open_stream(host, port, fix=fix)
    try:
        writer.write(encode(message))
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > MOST_BYTES:
            raise NotAvailable(Reason.BAD_DATA, "it does not speak Kasa's protocol", fix="check `model` and `url`")
        return decode(await reader.readexactly(length))
    except (OSError, EOFError):
        raise NotAvailable(Reason.UNREACHABLE, "it hung up", fix=fix) from None
    finally:
        writer.close()


def _sockets(info: Any, children: list[Any]) -> Iterator[tuple[str, str]]:
    """Name and identifier of each socket; older strips tell only the end of it."""
    device = at_pointer(info, "/deviceId")
    for each in children[:MOST_SOCKETS]:
        child, name = at_pointer(each, "/id"), at_pointer(each, "/alias")
        if isinstance(child, str):
            known = str(name) if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 100 else child[-2:]
            yield known, f"{device}{child}" if len(child) <= 2 else child


def _reading(answer: Any) -> DeviceReading:
    """Raises `NotAvailable` where there is no meter in it."""
    told = at_pointer(answer, "/emeter/get_realtime")
    reading = DeviceReading()
    for name, (word, scale) in _WORDS.items():
        if (value := number(at_pointer(told, f"/{name}"))) is not None:
            reading.tell(word, value * scale)
    if not reading:
        fix = "only plugs and strips with energy monitoring have one: HS110, KP115, KP125, HS300, EP25"
        raise NotAvailable(Reason.NOT_SUPPORTED, "it has no meter", fix=fix)
    return reading


def _joined(sockets: Mapping[str, DeviceReading]) -> DeviceReading:
    joined = DeviceReading()
    for name, reading in sockets.items():
        for (word, _), value in reading.items():
            joined.setdefault((word, ""), value)
        if (watts := reading.get(("power_watts", ""))) is not None:
            joined["outlet_power_watts", name] = watts
    for word in _ADDED_UP:
        values = [each[word, ""] for each in sockets.values() if (word, "") in each]
        if values:
            joined[word, ""] = fsum(values)
    return joined
