"""Series that are made for tests, the same each time."""

import math
import random

from collector_plugins.forecast.series import TimeSeries

HOUR = 3600.0
START = 1_700_000_000 // 86_400 * 86_400.0


def daily(days=35, *, noise=2.0, seed=1, step=HOUR, level=60.0):
    """A house's load: an evening, quieter weekends, noise that lasts some hours."""
    rng, lasting, values = random.Random(seed), 0.0, []
    for place in range(round(days * 86_400 / step)):
        hour = place * step / HOUR % 24
        weekend = place * step // 86_400 % 7 >= 5
        lasting = 0.7 * lasting + rng.gauss(0, noise)
        values.append(level + 30 * math.exp(-(((hour - 20) / 3) ** 2)) - 8 * weekend + lasting)
    return TimeSeries(START, step, values)


def changed(series, change):
    """The same series with each value changed; gaps stay."""
    return TimeSeries(series.start, series.step, [None if each is None else change(each) for each in series.values])
