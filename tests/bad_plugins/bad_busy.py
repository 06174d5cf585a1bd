"""Never comes back and never lets go of the interpreter by itself."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_busy_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_busy", (VALUE,), 1.0, 0.5

    def collect(self, out):
        while True:
            pass


@hookimpl
def collector_types():
    return [Bad]
