"""Writes log lines without end."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_flood_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_flood", (VALUE,), 1.0, 0.5

    def collect(self, out):
        for number in range(1000):
            self.ctx.logger.warning("look at %d", number)
        out.add(VALUE, 1)


@hookimpl
def collector_types():
    return [Bad]
