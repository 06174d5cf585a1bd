"""Wants to end the whole program."""

import sys

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_exit_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_exit", (VALUE,), 1.0, 0.5

    def collect(self, out):
        sys.exit("enough")


@hookimpl
def collector_types():
    return [Bad]
