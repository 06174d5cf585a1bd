"""Which temperatures a sensor can have: drivers pass on what they read from a pin that nothing is connected to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# Colder than anywhere on Earth, and hotter than any semiconductor works; -128 and 255 are the ends of a byte.
COLDEST = -100.0
HOTTEST = 200.0

# Limits that can be meant as such; unset registers read 0, -273.15, 255 or 65261.85.
_LOWER_LIMITS = (-60.0, 40.0)
_UPPER_LIMITS = (40.0, HOTTEST)
_BELOW_LOWER_LIMIT = 50.0

# The end of the scale of a sensor with seven bits; a device that goes off at 105 °C cannot be that hot.
_END_OF_SCALE = 127.0
_OFF_BEFORE_THAT = 105.0


class TemperatureRange(NamedTuple):
    """Temperatures that are believed, in degrees Celsius; the ends are not."""

    lowest: float = COLDEST
    highest: float = HOTTEST

    def __contains__(self, celsius: object) -> bool:
        return isinstance(celsius, (int, float)) and self.lowest < celsius < self.highest


def temperature_range(lower_limits: Iterable[float] = (), upper_limits: Iterable[float] = ()) -> TemperatureRange:
    """What a sensor with these limits can read; limits that cannot be meant are ignored."""
    lower = [limit for limit in lower_limits if _LOWER_LIMITS[0] <= limit <= _LOWER_LIMITS[1]]
    upper = [limit for limit in upper_limits if _UPPER_LIMITS[0] <= limit <= _UPPER_LIMITS[1]]
    return TemperatureRange(
        max(COLDEST, min(lower) - _BELOW_LOWER_LIMIT) if lower else COLDEST,
        _END_OF_SCALE if upper and max(upper) <= _OFF_BEFORE_THAT else HOTTEST,
    )
