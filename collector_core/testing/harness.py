"""Drives one collector on a fixture root with an injected clock: no threads, no sleeping, no patching."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from collector_core.collector import Collector
from collector_core.config.settings import Instance
from collector_core.engine.worker import Lifecycle
from collector_core.exposition.formats import negotiate
from collector_core.exposition.sources import Exposition
from collector_core.history.past import History
from collector_core.metering.meters import EnergyMeter
from collector_core.model.metrics import Metric
from collector_core.model.published import Published
from collector_core.model.readings import NOTHING, PartFailure, Readings, Snapshot
from collector_core.model.result import Result
from collector_core.model.run_report import RunReport
from collector_core.plugins.hookspecs import implementation

MAX_SERIES = 100_000


@dataclass
class FakeClock:
    """A clock that stands still until it is moved; both times in seconds."""

    monotonic_time: float = 1_000.0
    wall_time: float = 1_700_000_000.0

    def monotonic(self) -> float:
        """As `Clock.monotonic`."""
        return self.monotonic_time

    def time(self) -> float:
        """As `Clock.time`."""
        return self.wall_time

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.monotonic_time += seconds
        self.wall_time += seconds


class Harness:
    """One collector under test.

    `interval` and `timeout` are in seconds, `energy_meters` is what the other collectors hand over, `published` what
    all sources show, `history` the past; without `keeps_running` the collector is run as by `once`. `options` are those
    of the configuration file; wrong ones raise pydantic's `ValidationError`. `events` are what it notes in the history.
    """

    def __init__(  # noqa: PLR0913 - each is something that a context is given
        self,
        cls: type[Collector[Any]],
        root: Path = Path("/"),
        *,
        clock: FakeClock | None = None,
        interval: float | None = None,
        timeout: float | None = None,
        energy_meters: Callable[[], Sequence[EnergyMeter]] = tuple,
        published: Callable[[], Sequence[Published]] = tuple,
        keeps_running: bool = True,
        history: History | None = None,
        **options: Any,
    ) -> None:
        self.clock = clock or FakeClock()
        instance = Instance(
            name=cls.name,
            type=cls,
            options=cls.config_type.model_validate(options),
            interval=interval or cls.default_interval,
            timeout=timeout or cls.default_timeout,
            stale_after=inf,
            labels=(),
            max_series=MAX_SERIES,
        )
        self.collector = instance.build(
            clock=self.clock,
            root=root,
            energy_meters=energy_meters,
            published=published,
            keeps_running=keeps_running,
            record_event=lambda kind, text: self.events.append((kind, text)),
            history=history or History(),
        )
        self.context = self.collector.ctx
        self.events: list[tuple[str, str]] = []
        self.part_failures: list[PartFailure] = []
        self.snapshot = NOTHING
        self._lifecycle = Lifecycle(self.collector, self.context.timeout)
        self._exposition = Exposition(self.clock)
        self._source = self._exposition.source(cls.name, cls.metrics, self.collector.labels)
        self._loop = asyncio.Runner()

    def run(self, *, advance: float = 0.0) -> Snapshot:
        """Let `advance` seconds pass, then run the collector once; what it raises passes through."""
        self.clock.advance(advance)
        out = Readings(self.collector.metrics, max_series=MAX_SERIES, previous=self.snapshot)
        self._loop.run(self._lifecycle.collect(out))
        self.part_failures = list(out.failures)
        self.snapshot = out.snapshot()
        self._source.publish(self.snapshot)
        return self.snapshot

    def value(self, metric: Metric, **labels: str) -> float | None:
        """The value of one series of the last run; None when it is absent."""
        key = tuple(labels[name] for name in metric.labels)
        return dict(self.series(metric)).get(key)

    def series(self, metric: Metric) -> dict[tuple[str, ...], float]:
        """All series of one metric of the last run, by label values in the metric's order."""
        return dict(self.snapshot.series(metric))

    def report(self, result: Result = Result.OK, *, error: str = "") -> RunReport:
        """The report of the last run, as other collectors would see it; without readings where it has no data."""
        name, clock = self.collector.name, self.clock
        snapshot = self.snapshot if result.has_data else None
        times = (0.0, clock.time(), clock.monotonic())
        return RunReport(name, name, result, *times, self.collector.labels, snapshot, error=error)

    def hear(self, report: RunReport) -> None:
        """Hand the report of another collector's run to this one, which must observe."""
        observe = implementation(self.collector, "collector_run_finished")
        assert observe, f"{self.collector.name} has no collector_run_finished"  # noqa: S101 - a mistake of the test
        observe(report)

    def published(self) -> list[Published]:
        """What the last run shows, as other collectors would see it."""
        return self._exposition.published()

    def exposition(self) -> str:
        """What `/metrics` would show of the last run, in the text format."""
        return self._exposition.body(negotiate("", "")).decode()

    def close(self) -> None:
        """Close the collector."""
        with self._loop:
            self._loop.run(self._lifecycle.close())
