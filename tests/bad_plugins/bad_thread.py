"""Leaves a thread behind in every run that keeps the program from ending."""

import threading

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_thread_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_thread", (VALUE,), 1.0, 0.5

    def collect(self, out):
        threading.Thread(target=threading.Event().wait, args=(600,), daemon=False).start()
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
