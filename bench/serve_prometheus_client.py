"""`python -m bench.serve_prometheus_client PORT SERIES`: what ours is compared with under load."""

from __future__ import annotations

import sys
import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, start_http_server

from bench import samples
from bench.plugins import many


def fill(registry: CollectorRegistry, series: int) -> None:
    """The families and values of `bench_many` after its first run, in prometheus_client's own objects."""
    count = zip(many.METRICS, samples.keys(series), samples.values(series, 1), strict=False)
    for metric, keys, values in count:
        kind = Counter if metric.kind == "counter" else Gauge
        family = kind(metric.name, metric.help, metric.labels, registry=registry)
        for key, value in zip(keys, values, strict=True):
            family.labels(*key).inc(value)


def main() -> None:
    """Serve until the process is ended."""
    disable_created_metrics()
    registry = CollectorRegistry()
    fill(registry, int(sys.argv[2]))
    start_http_server(int(sys.argv[1]), "127.0.0.1", registry)
    threading.Event().wait()


if __name__ == "__main__":
    main()
