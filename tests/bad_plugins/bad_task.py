"""Wants to end the whole program from a task of its own."""

import asyncio
import sys

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_task_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_task", (VALUE,), 1.0, 0.5

    async def collect(self, out):
        out.add(VALUE, 1)
        self.task = asyncio.create_task(self.leave())

    async def leave(self):
        sys.exit("enough")


@hookimpl
def collector_types():
    return [Bad]
