"""The best time for a job that takes some energy: the cheapest, the cleanest, or with most of one's own sun."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from collector_core import NotAvailable, Reason
from collector_core.metering import JOULES_PER_KWH
from collector_plugins.forecast.messages import Trained
from collector_plugins.forecast.specs import CARBON, HOME_LOAD, PRICE, SOLAR

STEP = 900.0
UNITS = {"j": 1.0, "kj": 1e3, "mj": 1e6, "wh": 3600.0, "kwh": JOULES_PER_KWH, "mwh": 3.6e9}
_ENERGY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(j|kj|mj|wh|kwh|mwh)\s*", re.IGNORECASE)

By = Literal["cost", "carbon", "solar"]
SERIES: Mapping[By, str] = {"cost": PRICE, "carbon": CARBON, "solar": SOLAR}
MEANING: Mapping[By, str] = {
    "cost": "cost, in the currency of the price",
    "carbon": "grams of CO2 equivalent",
    "solar": "joules from the grid",
}


@dataclass(frozen=True)
class Window:
    """From `start` to `end`, Unix seconds; what the job costs then (`MEANING`), and what if it began at once."""

    start: float
    end: float
    value: float
    value_now: float


def parse_energy(text: str) -> float:
    """Joules of `2kWh`, `500Wh` or `7.2MJ`; raises `ValueError`."""
    match = _ENERGY.fullmatch(text)
    if match is None or not float(match[1]) > 0:
        raise ValueError("an energy is a number with a unit: 2kWh, 500Wh, 7.2MJ")
    return float(match[1]) * UNITS[match[2].lower()]


def best_window(forecasts: Mapping[str, Trained], energy: float, duration: float, by: By, now: float) -> Window:
    """When a job of `energy` joules that takes `duration` seconds costs least; the earliest such time.

    Raises `NotAvailable` where the forecast that it needs is missing, or does not reach as far as the job would.
    """
    needed = forecasts.get(SERIES[by])
    if needed is None:
        raise NotAvailable(
            Reason.NOT_FOUND,
            f"there is no forecast called {SERIES[by]}",
            fix=f"add a series called {SERIES[by]} to the options of `forecast`",
        )
    costs = list(_costs(needed, forecasts.get(HOME_LOAD) if by == "solar" else None, energy / duration, by, now))
    windows = list(_windows(costs, duration, now))
    if not windows:
        raise NotAvailable(
            Reason.NOT_FOUND,
            f"the forecast {SERIES[by]} does not reach {duration:g} s ahead",
            fix="a longer `horizon`, or a shorter job",
        )
    start, value = min(windows, key=lambda window: (round(window[1], 9), window[0]))
    return Window(start, start + duration, value, windows[0][1])


def _costs(needed: Trained, load: Trained | None, watts: float, by: By, now: float) -> Sequence[tuple[float, float]]:
    """From each time on what a second of the job costs; the last time is the end."""
    ends = [needed.end, *([load.end] if load else [])]
    found, time = list[tuple[float, float]](), now
    while (place := needed.place(time)) is not None and time < min(ends):
        value = _middle(needed, place)
        if by == "solar":
            of_load = load.place(time) if load else None
            surplus = value - (_middle(load, of_load) if load and of_load is not None else 0.0)
            found.append((time, max(0.0, watts - max(0.0, surplus))))
        else:
            found.append((time, value * watts / JOULES_PER_KWH))
        time = (time // STEP + 1) * STEP
    return [*found, (min(time, *ends), 0.0)]


def _windows(costs: Sequence[tuple[float, float]], duration: float, now: float) -> Sequence[tuple[float, float]]:
    """What the job costs from each start on."""
    sums, total = [(now, 0.0)], 0.0
    for (time, cost), (later, _) in pairwise(costs):
        total += cost * (later - time)
        sums.append((later, total))
    end = sums[-1][0]
    return [(start, _at(sums, start + duration) - before) for start, before in sums if start + duration <= end + 1e-6]


def _at(sums: Sequence[tuple[float, float]], time: float) -> float:
    """The sum at a time between two."""
    for (before, low), (after, high) in pairwise(sums):
        if before <= time <= after:
            return low + (high - low) * (time - before) / (after - before)
    return sums[-1][1]


def _middle(trained: Trained, place: int) -> float:
    return trained.quantiles[min(trained.quantiles, key=lambda quantile: abs(quantile - 0.5))][place]
