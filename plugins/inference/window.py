"""What happened between two looks at a server: its counters as differences, resets included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from typing import TypeVar

from collector_plugins.inference.histogram import quantile
from collector_plugins.inference.mapping import Reading
from collector_plugins.inference.state import MEANS, TIMES, Key, State

Counters = Mapping[Key, float]
KeyT = TypeVar("KeyT")


@dataclass(frozen=True)
class Window:
    """One model on one server since the look before. `seconds` is None at the first look: nothing has grown yet."""

    seconds: float | None
    growth: Counters
    state: State


def has_fallen(before: Counters, now: Counters) -> bool:
    """Whether one of the counters fell, or went: the server was started anew, or says something wrong."""
    return any(now.get(key, 0.0) < value for key, value in before.items())


def grow(before: Counters, now: Counters) -> dict[Key, float]:
    """How much every counter has grown; from 0 where the server was started anew."""
    restarted = has_fallen(before, now)
    return {key: value - (0.0 if restarted else before.get(key, 0.0)) for key, value in now.items()}


def counted(counters: Counters) -> dict[Reading, float]:
    """Requests that were answered, failures and tokens among counters.

    Where nothing counts requests, those of the latency; aborted ones that are among them are taken off.
    """
    found = {
        reading: counters[Key(reading)]
        for reading in (Reading.REQUESTS, Reading.FAILURES, Reading.TOKENS)
        if Key(reading) in counters
    }
    for key in (Key(Reading.LATENCY_COUNT), Key(Reading.LATENCY, "count")):
        if Reading.REQUESTS not in found and key in counters:
            found[Reading.REQUESTS] = counters[key]
    if Reading.REQUESTS in found:
        found[Reading.REQUESTS] = max(0.0, found[Reading.REQUESTS] - counters.get(Key(Reading.ABORTED), 0.0))
    return found


@dataclass
class Joined:
    """One model in the windows of all servers that have it."""

    rates: dict[Reading, float] = field(default_factory=dict)
    growth: dict[Key, float] = field(default_factory=dict)
    gauges: dict[Reading, float] = field(default_factory=dict)
    layers: dict[str, float] = field(default_factory=dict)
    own_quantiles: Mapping[tuple[Reading, float], float] = field(default_factory=dict)
    unlike: frozenset[Reading] = frozenset()

    def mean(self, reading: Reading) -> float | None:
        """Mean time in seconds of what was served; None where nothing was."""
        return self._divided(Key(reading, "sum"), Key(reading, "count"))

    def mean_latency(self) -> float | None:
        """Mean time of a request: by the two counters that some servers have, else by the histogram."""
        by_counters = self._divided(Key(Reading.LATENCY_SUM), Key(Reading.LATENCY_COUNT))
        return self.mean(Reading.LATENCY) if by_counters is None else by_counters

    def quantile(self, reading: Reading, q: float) -> float | None:
        """A quantile in seconds; the server's own where it has no histogram. None where nothing was served.

        Servers whose buckets differ, and several with quantiles of their own, cannot be taken together.
        """
        if reading in self.unlike:
            return None
        buckets = {key.bound: n for key, n in self.growth.items() if key.reading is reading and key.part == "bucket"}
        if buckets:
            return quantile(q, buckets)
        served = self.growth.get(Key(reading, "count"), 0.0) or self.growth.get(Key(Reading.LATENCY_COUNT), 0.0)
        return self.own_quantiles.get((reading, q)) if served > 0 else None

    def layer_means(self) -> dict[str, float]:
        """Mean time in each layer, in seconds."""
        found = dict(self.layers)
        for key in self.growth:
            if key.reading is Reading.LAYER_LATENCY and key.part == "sum":
                mean = self._divided(key, key._replace(part="count"))
                found |= {} if mean is None else {key.layer: mean}
        return found

    def _divided(self, total: Key, count: Key) -> float | None:
        n = self.growth.get(count, 0.0)
        return self.growth[total] / n if n > 0 and total in self.growth else None


def join(windows: Sequence[Window]) -> Joined:
    """Put together what several servers say of one model: counters and gauges add up, ratios and layers have means."""
    known = [window for window in windows if window.seconds]
    states = [window.state for window in windows]
    joined = Joined(own_quantiles=states[0].quantiles if len(states) == 1 else {}, unlike=frozenset(_unlike(known)))
    for window in known:
        _add(joined.growth, window.growth.items())
        served = counted(window.growth).items()
        _add(joined.rates, ((reading, value / (window.seconds or inf)) for reading, value in served))
    _add(joined.gauges, chain.from_iterable(state.gauges.items() for state in states))
    for reading in MEANS:
        if reading in joined.gauges:
            joined.gauges[reading] /= sum(reading in state.gauges for state in states)
    _add(joined.layers, chain.from_iterable(state.layers.items() for state in states))
    joined.layers = {name: sum_ / sum(name in state.layers for state in states) for name, sum_ in joined.layers.items()}
    return joined


def _add(sums: dict[KeyT, float], items: Iterable[tuple[KeyT, float]]) -> None:
    for key, value in items:
        sums[key] = sums.get(key, 0.0) + value


def _unlike(windows: Sequence[Window]) -> Iterator[Reading]:
    """Histograms whose buckets are not the same on all servers."""
    for reading in TIMES:
        bounds = {
            frozenset(key.bound for key in window.growth if key.reading is reading and key.part == "bucket")
            for window in windows
        }
        if len(bounds) > 1:
            yield reading
