"""Never comes back from a run."""

import threading

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_hang_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_hang", (VALUE,), 1.0, 0.5

    def collect(self, out):
        threading.Event().wait()


@hookimpl
def collector_types():
    return [Bad]
