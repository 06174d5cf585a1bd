"""Wants to end the whole program before anything runs."""

import sys

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_init_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_init", (VALUE,), 1.0, 0.5

    def __init__(self, config, ctx):
        sys.exit("not on this machine")

    def collect(self, out):
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
