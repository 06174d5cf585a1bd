"""Lets the cancellation of its own task through."""

import asyncio

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_cancel_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_cancel", (VALUE,), 1.0, 0.5

    async def collect(self, out):
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task


@hookimpl
def collector_types():
    return [Bad]
