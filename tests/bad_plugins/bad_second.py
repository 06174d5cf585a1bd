"""Raises in every second run."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_second_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_second", (VALUE,), 1.0, 0.5

    run = 0

    def collect(self, out):
        self.run += 1
        if self.run % 2 == 0:
            raise ValueError("even")
        out.add(VALUE, self.run)


@hookimpl
def collector_types():
    return [Bad]
