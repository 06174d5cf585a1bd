"""Has texts of all kinds as labels, good ones and bad ones."""

from collector_core import Collector, Gauge, hookimpl

VALUE = Gauge("bad_text_value", "A number.", labels=("text",))
TEXTS = {
    "lines": 'two\nlines "quoted" back\\slash',
    "unicode": "Wärmepumpe 🔥",
    "huge": "x" * 1_000_000,
    "not Unicode": "\udcff",
}


class Bad(Collector):
    name, metrics, default_interval, default_timeout = "bad_text", (VALUE,), 1.0, 0.5

    def collect(self, out):
        for kind, text in TEXTS.items():
            with out.part(kind=kind):
                out.add(VALUE, 1, text=text)


@hookimpl
def collector_types():
    return [Bad]
