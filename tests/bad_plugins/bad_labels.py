"""Adds a reading with labels that it has not declared."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_labels_value", "A number.", labels=("plug",))


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_labels", (VALUE,), 1.0, 0.5

    def collect(self, out):
        out.add(VALUE, 1, socket="heater")


@hookimpl
def collector_types():
    return [Bad]
