"""Simulated series of sites on which nothing happens but what always does; `step` is seconds between rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from math import exp, pi, sin, sqrt

from bench.nab.quiet import START, Series

HOUR, DAY = 3600.0, 86_400.0
CLOCK_CHANGES = START + 14 * DAY
SUNDAY = 6

SiteKind = Callable[[random.Random, float], Series]


def switching_loads(dice: random.Random, step: float) -> Series:
    """Watts of a home: a fridge, and appliances by chance, most of them in the morning and the evening."""
    always, fridge, ends = dice.uniform(60, 300), dice.random(), [0.0] * len(APPLIANCES)
    for now in _times(step):
        hour = _hour(now)
        fridge = (fridge + step / 2700) % 1
        watts = always + 80 * (fridge < 0.4) + dice.gauss(0, 4)
        busy = 3.0 if 6 < hour < 9 or 17 < hour < 22 else 0.1 if hour < 6 else 1.0
        for place, (power, seconds, an_hour) in enumerate(APPLIANCES):
            if now < ends[place]:
                watts += power * (1 + 0.02 * dice.gauss(0, 1))
            elif dice.random() < an_hour * busy * step / HOUR:
                ends[place] = now + seconds * dice.uniform(0.5, 1.5)
        yield watts


APPLIANCES = ((1800, 300, 0.25), (1600, 2100, 0.05), (900, 3600, 0.03), (2200, 900, 0.04), (600, 5400, 0.02))
"""Watts, seconds, and how often in an hour."""


def solar_power(dice: random.Random, step: float) -> Series:
    """Clear and dull days, and clouds that pass within half an hour."""
    sky, cloud, fading = 0.7, 0.0, exp(-step / 1800)
    for now in _times(step):
        if now % DAY < step:
            sky = min(1.0, max(0.1, 0.7 + 0.5 * (sky - 0.7) + dice.gauss(0, 0.25)))
        cloud = fading * cloud + sqrt(1 - fading * fading) * dice.gauss(0, 1)
        height = max(0.0, sin(pi * (_hour(now) - 6) / 13)) if 6 < _hour(now) < 19 else 0.0
        yield 5000 * height**1.3 * min(1.05, max(0.05, sky + 0.3 * cloud))


def requests(dice: random.Random, step: float) -> Series:
    """Requests a second, with days and weekends, and bursts whose size has a long tail."""
    burst, usual = 0.0, dice.uniform(2, 40)
    for now in _times(step):
        if dice.random() < step / (4 * HOUR):
            burst = dice.paretovariate(2)
        burst *= exp(-step / 300)
        mean = usual * (1 + 0.8 * _wave(now, 9)) * (0.6 if _weekday(now) >= SUNDAY - 1 else 1) * (1 + burst) * step
        yield max(0, round(dice.gauss(mean, sqrt(mean)))) / step


def errors(dice: random.Random, step: float) -> Series:
    """A few a minute, more unevenly than by chance alone."""
    while True:
        mean = 3 * dice.gammavariate(0.5, 2) * step / 60
        yield max(0, round(dice.gauss(mean, sqrt(mean)))) / step


def temperature(dice: random.Random, step: float) -> Series:
    """A heated room in steps of a tenth of a degree; the clock on the wall changes after two weeks."""
    room, drift = 20.0, 0.0
    for now in _times(step):
        hour = _hour(now + HOUR * (now > CLOCK_CHANGES))
        room += ((21 if 6 < hour < 22 else 18) - room) * step / 7200
        drift = 0.999 * drift + 0.01 * dice.gauss(0, 1)
        yield round(room + drift + 0.8 * _wave(now, 15) + dice.gauss(0, 0.05), 1)


def batch_jobs(dice: random.Random, step: float) -> Series:
    """Watts of a GPU: jobs of hours, each with a power of its own, and nothing between them."""
    ends = power = 0.0
    for now in _times(step):
        if now >= ends:
            power = dice.uniform(180, 420) if dice.random() < 0.6 else 60.0
            ends = now + HOUR * dice.lognormvariate(0.3, 0.9)
        yield power * (1 + 0.03 * dice.gauss(0, 1))


def maintenance(dice: random.Random, step: float) -> Series:
    """A server with days, and a window on Sundays from three to five."""
    for now in _times(step):
        if _weekday(now) == SUNDAY and 3 <= _hour(now) < 5:
            yield 110 + dice.gauss(0, 3)
        else:
            yield 200 + 60 * _wave(now, 9) + dice.gauss(0, 6)


def transfers(dice: random.Random, step: float) -> Series:
    """Bytes a second of a network: a background, and transfers at speeds of their own."""
    background, ends, speed, fading = 0.0, 0.0, 0.0, exp(-step / 600)
    for now in _times(step):
        background = fading * background + sqrt(1 - fading * fading) * dice.gauss(0, 1)
        if now >= ends and dice.random() < step / 5400:
            ends, speed = now + dice.lognormvariate(5, 1), dice.lognormvariate(13.5, 0.8)
        yield exp(10 + 0.8 * background + 0.4 * _wave(now, 9)) + speed * (now < ends)


def latency(dice: random.Random, step: float) -> Series:
    """Seconds, slower by day, with stragglers."""
    for now in _times(step):
        straggler = dice.expovariate(1.2) if dice.random() < 0.02 else 0.0
        yield 0.02 * (1 + 0.3 * _wave(now, 9)) * exp(dice.gauss(0, 0.3) + straggler)


def memory(dice: random.Random, step: float) -> Series:
    """Bytes that grow, and of which a fifth is free again when a process restarts, every few days."""
    used = 4e9
    for _ in _times(step):
        used += dice.gauss(3e4, 3e6) * sqrt(step / 60)
        if dice.random() < step / (3 * DAY):
            used *= 0.8
        used = min(15e9, max(2e9, used))
        yield used


SITES: Sequence[SiteKind] = (
    switching_loads,
    solar_power,
    temperature,
    batch_jobs,
    maintenance,
    errors,
    latency,
    requests,
    transfers,
    memory,
)


def _times(step: float) -> Iterator[float]:
    now = float(START)
    while True:
        yield now
        now += step


def _hour(now: float) -> float:
    return now % DAY / HOUR


def _weekday(now: float) -> int:
    return int(now // DAY + 3) % 7


def _wave(now: float, rising: float) -> float:
    return sin(2 * pi * (_hour(now) - rising) / 24)
