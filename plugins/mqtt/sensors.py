"""A device that tells its numbers by named sensors: which of them is the device's, and which are of parts of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from collector_core.devices import DeviceReading

_WORDS = re.compile(r"[^\W\d_]+|\d+")
_WHOLE = frozenset({"total", "sum", "overall", "all", "summation"})
# What a name may hold and still mean the whole device.
_PLAIN_WORDS = """
    power energy voltage current frequency factor temperature battery level watts watt w kw wh kwh value state
    active real apparent consumption consumed usage used use load import imported meter ac mains grid
    electric electricity electrical instantaneous delivered main now sensor
"""
_PLAIN = _WHOLE.union(_PLAIN_WORDS.split())
_FED_BACK = frozenset({"returned", "return", "export", "exported", "injected", "injection"})
_EXPORTS = {"energy_joules": "export_energy_joules", "energy_wh": "export_energy_wh"}


def join_sensors(sensors: Mapping[tuple[str, str], float]) -> DeviceReading:
    """The device as a whole, of what its sensors say, by their word and name.

    Of several sensors of one quantity the one counts whose name says nothing more than that (or `total`); the powers of
    the others are outlets. Where no name does, the device as a whole is not known: a sum could count something twice.
    """
    by_word: dict[str, dict[str, float]] = {}
    for (word, name), value in sensors.items():
        is_fed_back = word in _EXPORTS and not _FED_BACK.isdisjoint(_words(name))
        by_word.setdefault(_EXPORTS[word] if is_fed_back else word, {})[name] = value
    joined = DeviceReading()
    for word, values in by_word.items():
        whole = _whole(values)
        if whole is not None:
            joined.tell(word, values[whole])
        for name, value in values.items() if word == "power_watts" and len(values) > 1 else ():
            if name != whole:
                joined.tell("outlet_power_watts", value, name or "power")
    return joined


def _whole(names: Iterable[str]) -> str | None:
    """The sensor of the whole device; None where several names could mean it, or none does."""
    names = sorted(names)
    if len(names) == 1:
        return names[0]
    plain = [name for name in names if _PLAIN.issuperset(_words(name))]
    totals = [name for name in plain if not _WHOLE.isdisjoint(_words(name))]
    best = totals or plain
    return best[0] if len(best) == 1 else None


def _words(name: str) -> list[str]:
    return _WORDS.findall(name.lower())
