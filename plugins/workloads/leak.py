"""Whether memory leaks: a slope that is real."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import combinations
from statistics import median

SAMPLES = 60
LEAST_SAMPLES = 6
STILL_RISING = 0.25  # of the slope of the whole window, in its last third
_WHOLE = 0.9

Point = tuple[float, float]


class LeakWatch:
    """Resident memory over `window` seconds.

    It leaks where the slope is positive (that of Theil and Sen: the median of those between all pairs), memory in the
    last third of the window was never as low as it ever was in the first, and is still rising. A saw-tooth is no leak,
    and neither is a cache that has filled. `bytes_per_second` is how fast memory leaks, None where it does not.
    """

    def __init__(self, window: float) -> None:
        self._window = window
        self._points: deque[Point] = deque()
        self.bytes_per_second: float | None = None

    def record(self, now: float, resident: float) -> None:
        """Take a reading at `now` (seconds, monotonic)."""
        if self._points and now - self._points[-1][0] < self._window / SAMPLES:
            return
        self._points.append((now, resident))
        while self._points[0][0] < now - self._window:
            self._points.popleft()
        self.bytes_per_second = self._slope_if_real()

    def _slope_if_real(self) -> float | None:
        points = list(self._points)
        third = len(points) // 3
        if len(points) < LEAST_SAMPLES or points[-1][0] - points[0][0] < _WHOLE * self._window:
            return None
        if min(size for _, size in points[-third:]) <= max(size for _, size in points[:third]):
            return None
        slope = theil_sen(points)
        is_real = slope > 0 and theil_sen(points[-third - 1 :]) >= STILL_RISING * slope
        return slope if is_real else None


def theil_sen(points: Sequence[Point]) -> float:
    """The median of the slopes between all pairs of points, whose times differ."""
    return median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))
