"""A collector with nothing to do: one gauge that never changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from collector_core import Collector, CollectorConfig, Gauge, Readings, hookimpl

ON = Gauge("bench_idle_on", "Always 1.")


class Idle(Collector[CollectorConfig]):
    """What an instance costs by itself."""

    name = "bench_idle"
    metrics = (ON,)

    def collect(self, out: Readings) -> None:
        out.add(ON, 1)


@hookimpl
def collector_types() -> Sequence[type[Collector[Any]]]:
    return (Idle,)
