"""Explains its failure in a million lines."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_words_value", "A number.", labels=())


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_words", (VALUE,), 1.0, 0.5

    def collect(self, out):
        raise ValueError("no\n" * 1_000_000)


@hookimpl
def collector_types():
    return [Bad]
