"""Publishes what is not a number."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_nan_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_nan", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, float("nan"))


@hookimpl
def collector_types():
    return [Bad]
