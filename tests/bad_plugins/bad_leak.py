"""Has more series in every run, until it has too many."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_leak_value", "A number.", labels=("request",))


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_leak", (VALUE,), 1.0, 0.9

    run = 0

    def collect(self, out):
        self.run += 1
        for number in range(min(self.run, 3) * 1000):
            out.add(VALUE, 1, request=str(number))


@hookimpl
def collector_types():
    return [Bad]
