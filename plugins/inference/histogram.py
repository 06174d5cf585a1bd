"""Quantiles from the counts of a histogram's buckets, as Prometheus' `histogram_quantile` finds them."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from math import inf


def quantile(q: float, buckets: Mapping[float, float]) -> float | None:
    """The `q`-quantile (0 < q < 1) of observations counted cumulatively by upper bound, by linear interpolation.

    The lowest bucket begins at 0 where its bound is positive. A quantile in the last bucket, which has no upper bound,
    is the highest finite bound: it may be more. None where nothing was counted, or there are no two buckets up to +Inf.
    Source: https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != inf:
        return None
    counts = list(
        accumulate((buckets[bound] for bound in bounds), max)
    )  # counts of several processes may be out of step
    total = counts[-1]
    if total <= 0:
        return None
    rank = q * total
    place = next(index for index, count in enumerate(counts) if count >= rank and count > 0)
    if place == len(bounds) - 1:
        return bounds[-2]
    if place == 0 and bounds[0] <= 0:
        return bounds[0]
    lower, before = (bounds[place - 1], counts[place - 1]) if place else (0.0, 0.0)
    share = (rank - before) / (counts[place] - before)  # first: a product with a tiny count loses its digits
    return min(bounds[place], lower + (bounds[place] - lower) * share)
