"""Declares a metric that another plugin declares with other labels."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_clash_twin_value", "A number.", labels=("socket",))


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_clash_twin", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, 1, socket="heater")


@hookimpl
def collector_types():
    return [Bad]
