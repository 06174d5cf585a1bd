"""Adds a metric that it has not declared."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_undeclared_value", "A number.", labels=())
SURPRISE = Gauge("bad_undeclared_surprise", "Not in `metrics`.")


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_undeclared", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, 1)
        out.add(SURPRISE, 1)


@hookimpl
def collector_types():
    return [Bad]
