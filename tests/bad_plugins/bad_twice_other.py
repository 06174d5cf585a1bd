"""One of two distributions that claim one name."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_twice_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_twice", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
