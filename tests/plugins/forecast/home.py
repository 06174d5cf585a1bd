"""A simulated home: sun and clouds, people, a battery; every number follows from a seed."""

from dataclasses import dataclass
from functools import cache
from math import exp, pi, sin
from random import Random

from collector_core import Gauge, Unit

HOUR, DAY = 3600.0, 86_400.0
STEP = 300.0
MONDAY = 1_780_272_000.0  # 2026-06-01 00:00 UTC
CAPACITY = 10 * 3.6e6
PEAK = 2600.0

CHARGE = Gauge(
    "home_charge_ratio", "Charge.", Unit.RATIO, ("name",), topic="charge", of="battery", title="Battery charge"
)
FULL = Gauge("home_capacity_joules", "Capacity.", Unit.JOULES, ("name",), topic="capacity", of="battery", title="Full")
SOLAR = Gauge("home_solar_power_watts", "Sun.", Unit.WATTS, ("name",), topic="power", of="solar", title="Solar power")
LOAD = Gauge("home_load_power_watts", "Load.", Unit.WATTS, ("name",), topic="power", of="home", title="Home load")
GIVEN = Gauge(
    "home_given_power_watts", "Out.", Unit.WATTS, ("name",), topic="discharge_power", of="battery", title="Out"
)
METRICS = (CHARGE, FULL, SOLAR, LOAD, GIVEN)


@dataclass(frozen=True)
class Moment:
    """Watts, and the charge (0 to 1) at the beginning of a step."""

    time: float
    load: float
    solar: float
    charge: float


@cache
def simulate(days: int, seed: int, *, unrest: float = 1.0, loss: float = 0.0) -> list[Moment]:
    """Every `STEP` from `MONDAY` on; `unrest` is how far loads lie off the usual, `loss` what of the charge is lost."""
    random = Random(seed)
    noise = cloud = 0.0
    charge, found, weather = 0.5, [], {}
    for number in range(int(days * DAY / STEP)):
        time = MONDAY + number * STEP
        day, hour = divmod((time - MONDAY) / DAY, 1)
        hour *= 24
        weather.setdefault(day, (0.55 + 0.45 * random.random(), random.gauss(0, 0.05)))
        noise = 0.9 * noise + 0.1 * random.gauss(0, 1)
        cloud = 0.95 * cloud + 0.03 * random.gauss(0, 1)
        load = max(
            120.0,
            _usual_load(hour, weekend=day % 7 >= 5) * exp(unrest * (noise + weather[day][1]))
            + unrest * _kettle(random, hour),
        )
        solar = PEAK * max(0.0, sin(pi * (hour - 5.5) / 15)) ** 1.3 * min(1.0, max(0.1, weather[day][0] + cloud))
        solar = solar if 5.5 < hour < 20.5 else 0.0
        found.append(Moment(time, load, solar, charge))
        net = (load - solar) * (1 / (1 - loss) if load > solar else 1.0)
        charge = min(1.0, max(0.0, charge - net * STEP / CAPACITY))
    return found


def _usual_load(hour: float, *, weekend: bool) -> float:
    morning = 500 * exp(-(((hour - 7.5) / 1.2) ** 2)) * (0.5 if weekend else 1)
    evening = 1500 * exp(-(((hour - 19.5) / 2.4) ** 2))
    noon = 600 * exp(-(((hour - 13) / 2.5) ** 2)) * (1 if weekend else 0.3)
    return 480 + morning + evening + noon


def _kettle(random: Random, hour: float) -> float:
    return 1200.0 if 6 < hour < 22 and random.random() < 0.03 else 0.0


def empty_at(moments: list[Moment], since: float) -> float | None:
    """When the battery is empty first, from a time on."""
    return next((each.time for each in moments if each.time > since and each.charge <= 0.0), None)
