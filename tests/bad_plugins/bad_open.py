"""Cannot connect."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_open_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_open", (VALUE,), 1.0, 0.5

    def open(self):
        raise ConnectionRefusedError("nobody listens")

    def collect(self, out):
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
