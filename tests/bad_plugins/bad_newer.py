"""Was made for a version that does not exist yet."""

from collector_core import Collector, Gauge, hookimpl

REQUIRES_API = 999
VALUE = Gauge("bad_newer_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_newer", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
