"""Signals that look like days, people and weather; every one a plain function of the time."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import cos, floor, pi, sin
from typing import TypeVar

HOUR = 3600.0
DAY = 24 * HOUR
EASE = 2 * HOUR  # how long a weekend takes to begin and to end
FIRST_MONDAY = 4 * DAY  # 1970-01-05

T = TypeVar("T")


def chance(seed: str, number: int = 0) -> float:
    """A number from 0 to below 1 that is always the same for a seed and a number, and unlike that of any other."""
    digest = blake2b(f"{seed}:{number}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / (1 << 48)


def daily(when: float, low: float, high: float, *, peak_hour: float = 14.0, weekend: float = 1.0) -> float:
    """A wave with one peak a day: `high` at `peak_hour` (UTC, 0 to 24), `low` twelve hours later.

    At weekends only the part `weekend` of the wave is left above `low`: 0.3 for an office, 1 for a household. It goes
    over smoothly. The result lies between `low` and `high` where `weekend` is 0 to 1.
    """
    wave = (1 + cos(2 * pi * (when / HOUR - peak_hour) / 24)) / 2
    share = 1.0 if weekend == 1.0 else 1 - (1 - weekend) * _weekend(when)
    return low + (high - low) * wave * share


def daylight(when: float, *, sunrise: float = 6.0, sunset: float = 20.0) -> float:
    """The sun over a panel: 0 by night, 1 at the highest; `sunrise` and `sunset` are hours (UTC) of one day."""
    hour = when % DAY / HOUR
    return sin(pi * (hour - sunrise) / (sunset - sunrise)) ** 1.3 if sunrise < hour < sunset else 0.0


def noise(when: float, seed: str, scale: float = 1.0, period: float = 300.0) -> float:
    """Irregular and smooth: between -`scale` and `scale`, around 0, another value about every `period` seconds.

    Value noise: a number for each period, and a smooth way between it and the next. Another `seed` is another curve.
    """
    cell = floor(when / period)
    left, right = chance(seed, cell), chance(seed, cell + 1)
    return scale * (2 * (left + (right - left) * _smooth(when / period - cell)) - 1)


def spikes(when: float, seed: str, height: float, *, every: float = HOUR, length: float = 300.0) -> float:
    """0 but for one spike within each `every` seconds, up to `height`, `length` seconds from its foot to its foot.

    Each has its own time and a height from half of `height` on. `length` is at most `every`.
    """
    cell = floor(when / every)
    start = chance(f"{seed} start", cell) * (every - length)
    phase = (when - cell * every - start) / length
    if not 0 < phase < 1:
        return 0.0
    return height * (1 + chance(f"{seed} height", cell)) / 2 * sin(pi * phase)


def pick(choices: Sequence[T], when: float, seed: str, period: float = HOUR) -> T:
    """One of `choices`, another one by chance each `period` seconds; a choice that stands twice is as likely again."""
    return choices[int(chance(seed, floor(when / period)) * len(choices))]


def _smooth(ratio: float) -> float:
    """From 0 to 1, level at both ends: the smoothstep 3x² - 2x³."""
    return ratio * ratio * (3 - 2 * ratio)


def _weekend(when: float) -> float:
    """1 on Saturday and Sunday (UTC), 0 on other days, and smoothly between at their ends."""
    since_saturday = (when - FIRST_MONDAY - 5 * DAY) % (7 * DAY)
    left = 2 * DAY - since_saturday
    return _smooth(max(0.0, min(1.0, since_saturday / EASE, left / EASE)))
