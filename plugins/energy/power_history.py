"""The ledger's watts of the last quarter of an hour, by component."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import NamedTuple, cast

INTERVAL = 5.0
"""Seconds between two samples at least: the ledger's own default."""

WINDOW = 900.0
"""Seconds that are kept."""

LONGEST_STEP = 2.5
"""Intervals between two samples beyond which nothing is known of the time between them: a suspend, for instance."""

Watts = Mapping[str, float | None]
"""Watts by component; None where a meter that counts has no power."""


class Sample(NamedTuple):
    """The watts at a time, in monotonic seconds."""

    time: float
    watts: Watts


@dataclass
class Total:
    """Adds up samples; the sum is None where a component is missing that was there before and that none replaced.

    A component that appears ends what was expected before it: a plug that begins to count stands for what it feeds.
    """

    expected: frozenset[str] = frozenset()

    def of(self, watts: Watts) -> float | None:
        """The machine's watts, None where not all of them are known."""
        if watts and watts.keys() == self.expected and None not in watts.values():  # nearly always, and cheap
            return sum(cast("Iterable[float]", watts.values()))
        known = {component: value for component, value in watts.items() if value is not None}
        if known.keys() - self.expected:
            self.expected = frozenset(watts)
        whole = len(known) == len(watts) and self.expected <= known.keys()
        return sum(known.values()) if known and whole else None


class PowerHistory:
    """Keeps the first sample of every five seconds. One thread adds to it, any may look, or say what was before."""

    def __init__(self, interval: float) -> None:
        self.longest_step = LONGEST_STEP * max(INTERVAL, interval)
        self._samples: deque[Sample] = deque(maxlen=int(WINDOW / INTERVAL) + 1)
        self._before: Sequence[Sample] = ()

    def is_due(self, time: float) -> bool:
        """Whether a sample of this time would be kept."""
        return not self._samples or time // INTERVAL > self._samples[-1].time // INTERVAL

    def add(self, sample: Sample) -> None:
        """Take the watts of a run."""
        if self.is_due(sample.time):
            self._samples.append(sample)

    def add_before(self, samples: Iterable[Sample]) -> None:
        """Take what was known before the first run; of a process before this one, for instance."""
        thinned = PowerHistory(INTERVAL)
        for sample in samples:
            thinned.add(sample)
        self._before = thinned.since(-inf)

    def since(self, time: float) -> list[Sample]:
        """Those from `time` on, oldest first."""
        samples = self._samples.copy()
        first = samples[0].time if samples else inf
        before = [sample for sample in self._before if sample.time < first]
        return [sample for sample in [*before, *samples] if sample.time >= time]
