"""Cannot close what fails in every run."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_close_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_close", (VALUE,), 1.0, 0.5

    def collect(self, out):
        raise ConnectionResetError("hung up")

    def close(self):
        raise RuntimeError("cannot close")


@hookimpl
def collector_types():
    return [Bad]
