"""Blocks its own event loop."""

import time

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_blocking_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_blocking", (VALUE,), 1.0, 0.5

    async def collect(self, out):
        time.sleep(3600)  # noqa: ASYNC251 - what is wrong with it


@hookimpl
def collector_types():
    return [Bad]
