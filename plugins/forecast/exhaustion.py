"""When nothing will be left of a disk or memory, if it goes on shrinking as it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import NormalDist, median

from collector_core import History, PastSeries, Selector

DAY = 86_400.0
LEARNT = 28 * DAY
STEP = DAY / 4
FEWEST = 12  # steps: three days
FARTHEST = 366 * DAY
QUANTILES = (0.1, 0.5, 0.9)
AVAILABLE = Selector.parse('{__topic__="available",__of__=~"disk|memory"}')


@dataclass(frozen=True)
class Resource:
    """When a resource will be exhausted, Unix seconds by quantile: the earlier the smaller the quantile."""

    name: str
    at: dict[float, float]


def read_resources(history: History, now: float) -> list[Resource]:
    """Disks and memory that shrink; raises `HistoryUnavailable`."""
    found = history.query(AVAILABLE, now - LEARNT, now, step=STEP)
    resources = [Resource(_name(each), exhausted_at(each.points)) for each in found]
    return [each for each in resources if each.at]


def exhausted_at(points: Sequence[tuple[float, float]]) -> dict[float, float]:
    """When the trend of what is available reaches 0; empty where it does not fall, or not within a year.

    The trend is Theil and Sen's, the median of the slopes of all pairs, with Sen's interval (Journal of the American
    Statistical Association 63, 1968), so that a clean-up in between does not mislead it.
    """
    if len(points) < FEWEST:
        return {}
    slopes = sorted((later[1] - time[1]) / (later[0] - time[0]) for time, later in combinations(points, 2))
    now, count = points[-1][0], len(points)
    left = median(value for _, value in points[-3:])
    spread = sqrt(count * (count - 1) * (2 * count + 5) / 18)
    found = {}
    for quantile in QUANTILES:
        place = (len(slopes) + NormalDist().inv_cdf(quantile) * spread) / 2
        slope = slopes[min(len(slopes) - 1, max(0, round(place)))]
        if slope < 0 and left / -slope <= FARTHEST:
            found[quantile] = now + left / -slope
    return found if 0.5 in found else {}


def _name(past: PastSeries) -> str:
    """The mount point or what else tells it from others of its kind."""
    return (
        past.series.labels.get("mountpoint") or ", ".join(filter(None, past.series.labels.values())) or past.series.of
    )
