"""Prints what it does."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_print_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_print", (VALUE,), 1.0, 0.5

    def collect(self, out):
        print("bad_print is here")
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
