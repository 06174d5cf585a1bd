"""From values to bytes: our exposition beside prometheus_client's `generate_latest`, in this process."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Iterable, Sequence
from itertools import chain
from random import Random

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Metric as Family
from prometheus_client.registry import Collector

from bench import samples
from bench.effort import Effort
from bench.figures import Figure, Goal
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.model.clock import SystemClock
from collector_core.model.readings import Snapshot

Values = Sequence["array[float]"]
_PLAIN = negotiate("", "")


class Ours:
    """One source with all series, published again and again."""

    def __init__(self, series: int) -> None:
        self._metrics = samples.metrics("bench", series)
        self._layout = samples.layout(self._metrics, series)
        self._exposition = Exposition(SystemClock())
        self._source = self._exposition.source("bench", self._metrics)

    def render(self, values: Values) -> tuple[float, bytes]:
        """CPU milliseconds from a finished run to the plain body, and the body."""
        snapshot = Snapshot(self._layout, array("d", chain.from_iterable(values)))
        before = time.process_time()
        self._source.publish(snapshot)
        body = self._exposition.body(_PLAIN)
        return (time.process_time() - before) * 1e3, body


class Theirs(Collector):
    """Families made in advance, so that only `generate_latest` is measured."""

    def __init__(self, series: int) -> None:
        self._metrics = samples.metrics("bench", series)
        self._keys = samples.keys(series)
        self._families: list[Family] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterable[Family]:
        return self._families

    def render(self, values: Values) -> tuple[float, bytes]:
        """CPU milliseconds of `generate_latest`, and its bytes."""
        self._families = [self._family(place, part) for place, part in enumerate(values)]
        before = time.process_time()
        body = generate_latest(self._registry)
        return (time.process_time() - before) * 1e3, body

    def _family(self, place: int, values: array[float]) -> Family:
        metric = self._metrics[place]
        family = Family(metric.base_name, metric.help, metric.kind, metric.unit)
        for key, value in zip(self._keys[place], values, strict=True):
            family.add_sample(metric.name, dict(zip(metric.labels, key, strict=True)), value)
        return family


def measure(effort: Effort) -> list[Figure]:
    """All changed, a hundredth changed, the first two runs, and the worst case; every body equals theirs."""
    gc.collect()
    gc.freeze()
    gc.disable()  # in the middle of a measurement it would look at the benchmark's own objects
    try:
        rounds = [_round(effort.render_series, step) for step in range(1, effort.pairs + 1)]
    finally:
        gc.enable()
        gc.unfreeze()
    return _figures(rounds, effort.render_series)


def _round(series: int, step: int) -> dict[str, float]:
    """CPU milliseconds by case; ours keeps what it knows from one case to the next, as it does from run to run."""
    ours, theirs = Ours(series), Theirs(series)
    cases = {
        "new": samples.values(series, step),
        "second": samples.values(series, step + 1),
        "changed": samples.values(series, step + 2),
        "scattered": _scattered(samples.values(series, step + 2), step),
        "clustered": _clustered(samples.values(series, step + 2), step),
        "noise": samples.noise(series, step),
    }
    found = {}
    for name, values in cases.items():
        if name == "clustered":
            ours.render(cases["changed"])
        found[name], body = ours.render(values)
        found[f"their {name}"], expected = theirs.render(values)
        if body != expected:
            raise RuntimeError(f"{name}: the bytes differ from generate_latest's")
        del body, expected  # as after a scrape: their memory serves the next ones
    return found


def _scattered(values: Values, step: int) -> Values:
    """A hundredth of the series changed, here and there."""
    places = [(part, place) for part in values for place in range(len(part))]
    for part, place in Random(step).sample(places, len(places) // 100):
        part[place] += 1
    return values


def _clustered(values: Values, step: int) -> Values:
    """A hundredth of the series changed, side by side."""
    part = values[step % len(values)]
    for place in range(min(len(part), sum(map(len, values)) // 100)):
        part[place] += 1
    return values


def _figures(rounds: list[dict[str, float]], series: int) -> list[Figure]:
    def figure(case: str, title: str, goal: Goal | None = None, note: str = "") -> Figure:
        ours = [found[case] for found in rounds]
        theirs = [found[f"their {case}"] for found in rounds]
        return Figure("render", f"Render {series} series, {title}", "ms", ours, theirs, goal, note)

    mix = "50 % integer counters, 30 % watts, 10 % ratios, 10 % states"
    return [
        figure("changed", "all changed", Goal(1 / 15, 1 / 100), mix),
        figure("scattered", "1 % changed", Goal(1 / 50, 1 / 300), "changes at random places"),
        figure("clustered", "1 % changed side by side", note="one family of a hundred"),
        figure("second", "all changed for the first time", note="memory for the lines of two runs is new"),
        figure("noise", "all changed, worst case", note="random floats of 16 to 17 digits"),
        figure("new", "all new", note="templates are made"),
    ]
