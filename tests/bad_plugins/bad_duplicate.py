"""Adds one series twice."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_duplicate_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_duplicate", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, 1)
        out.add(VALUE, 2)


@hookimpl
def collector_types():
    return [Bad]
