"""The home around the demo rack: sun, batteries, grid; every watt comes from somewhere and goes somewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from collector_core.demo.rack.energy_store import STEP, Trajectory
from collector_core.demo.signals import DAY, HOUR, daily, daylight, noise, spikes
from collector_core.metering.factors import JOULES_PER_KWH

SOLAR_PEAK_WATTS = 3400.0
BANK_JOULES = 10.8 * JOULES_PER_KWH
BANK_RESERVE = 0.05
BANK_MOST_IN, BANK_MOST_OUT = 2400.0, 1200.0  # watts

STATION_JOULES = 3.84 * JOULES_PER_KWH
STATION_RESERVE = 0.1
STATION_CHARGER_WATTS = 500.0


class Battery(NamedTuple):
    """A battery now: its charge 0 to 1, what it holds when full, and watts into and out of it."""

    charge_ratio: float
    capacity_joules: float
    charging_watts: float
    discharging_watts: float


class Home(NamedTuple):
    """The home now, in watts: solar + bank's discharge + import = load + bank's charge + export.

    `bank` is the battery behind the panels. `station` feeds the rack from what the home gives it
    (`station_input_watts`, part of the load), and alone while `grid_is_there` is False for it.
    """

    solar_watts: float
    load_watts: float
    import_watts: float
    export_watts: float
    bank: Battery
    station: Battery
    station_input_watts: float
    station_output_watts: float
    grid_is_there: bool


class HomeModel:
    """The home of a rack that draws `rack_watts`, a function of the time."""

    def __init__(self, rack_watts: Callable[[float], float]) -> None:
        self._rack_watts = rack_watts
        self._station = Trajectory(STATION_JOULES, self._station_step)
        self._bank = Trajectory(BANK_JOULES, self._bank_step)

    def at(self, when: float) -> Home:
        """The home at a time, seconds since 1970."""
        watts, bank_joules = self._bank.at(when)  # first: it looks back at the station
        station, station_joules = self._station.at(when)
        solar, load = solar_watts(when), household_watts(when) + station.input_watts
        rest = load + watts - solar
        return Home(
            solar_watts=solar,
            load_watts=load,
            import_watts=max(0.0, rest),
            export_watts=max(0.0, -rest),
            bank=_battery(bank_joules, BANK_JOULES, watts),
            station=_battery(station_joules, STATION_JOULES, station.charging_watts),
            station_input_watts=station.input_watts,
            station_output_watts=station.output_watts,
            grid_is_there=station.grid_is_there,
        )

    def _station_step(self, when: float, stored: float) -> tuple[_Station, float]:
        """Passes on what the rack draws while the grid is there, and gives it itself while not and it can."""
        rack = self._rack_watts(when)
        spare = (stored - STATION_RESERVE * STATION_JOULES) / STEP
        if _is_outage(when) and spare >= rack:
            return _Station(0.0, rack, -rack, grid_is_there=False), -rack
        charging = min(STATION_CHARGER_WATTS, (STATION_JOULES - stored) / STEP)
        return _Station(rack + charging, rack, charging, grid_is_there=True), charging

    def _bank_step(self, when: float, stored: float) -> tuple[float, float]:
        """Takes what the sun gives beyond the load, gives what the load lacks; both as far as it can."""
        station, _ = self._station.at(when)
        surplus = solar_watts(when) - household_watts(when) - station.input_watts
        room = (BANK_JOULES - stored) / STEP
        left = max(0.0, (stored - BANK_RESERVE * BANK_JOULES) / STEP)
        watts = min(surplus, BANK_MOST_IN, room) if surplus > 0 else -min(-surplus, BANK_MOST_OUT, left)
        return watts, watts


class _Station(NamedTuple):
    input_watts: float
    output_watts: float
    charging_watts: float
    grid_is_there: bool


def solar_watts(when: float) -> float:
    """Power of the panels: the sun, the day's weather and passing clouds."""
    sky = min(1.0, 0.78 + noise(when, "weather", 0.5, 0.8 * DAY))
    clouds = 1 - 0.5 * (1 - sky) * (1 + noise(when, "clouds", 1.0, 500.0))
    return SOLAR_PEAK_WATTS * daylight(when) * max(0.05, sky * clouds)


def household_watts(when: float) -> float:
    """What the home draws beside the rack: fridge and router, people in the morning and evening, a stove, a boiler."""
    people = daily(when, 0, 1, peak_hour=19.5) ** 3 + 0.6 * daily(when, 0, 1, peak_hour=7.5) ** 6
    kitchen = spikes(when, "stove", 1600, every=6 * HOUR, length=0.6 * HOUR) * min(1.0, people)
    fridge = 70 * (noise(when, "fridge", 1.0, 1500.0) > 0.1)
    return 140 + 420 * people * (1 + noise(when, "people", 0.25, 900.0)) + kitchen + fridge


def _is_outage(when: float) -> bool:
    """Once in two days the rack lives on its station for some hours, as a test of it does."""
    return spikes(when, "outage", 1.0, every=2 * DAY, length=5 * HOUR) > 0.0


def _battery(joules: float, capacity: float, watts: float) -> Battery:
    return Battery(min(1.0, max(0.0, joules / capacity)), capacity, max(0.0, watts), max(0.0, -watts))
