"""What the framework hands to outputs, for tests of them."""

import logging

from collector_core import Context, Counter, Gauge, Published, Readings, Unit
from collector_core.model.selector import Selector
from collector_core.outputs.sampling import Heard, SampleSelection
from collector_core.testing import FakeClock

POWER = Gauge("probe_power_watts", "Power of a plug.", Unit.WATTS, ("plug",), topic="power", of="plug", title="Power")
ENERGY = Counter(
    "probe_energy_joules_total", "Energy of a plug.", Unit.JOULES, ("plug",), topic="energy", of="plug", title="Energy"
)
HEAT = Gauge("probe_heat_celsius", "How hot it is.", Unit.CELSIUS, ("plug",), topic="temperature", of="plug")
METRICS = (POWER, ENERGY, HEAT)


class Runs:
    """Runs of one collector, as blocks; groups stay the same while the series do."""

    def __init__(self, *, takes_ends=False, labels=None):
        self._selection = SampleSelection([Selector.parse('{__name__=~".+"}')], takes_ends=takes_ends)
        self._labels = labels or {}
        self._snapshot = None

    def blocks(self, time, values):
        """The blocks of a run: `values` by (metric, plug)."""
        previous = {} if self._snapshot is None else {"previous": self._snapshot}
        out = Readings(METRICS, max_series=1_000_000, **previous)
        for (metric, plug), value in values.items():
            out.add(metric, value, plug=plug)
        self._snapshot = out.snapshot()
        return list(self._selection.blocks(Heard(time, (Published("probe", self._labels, self._snapshot),))))


def make_output(cls, *, timeout=5.0, **options):
    """An output with these options, for the caller to close."""
    ctx = Context(name=cls.name, logger=logging.getLogger(cls.name), timeout=timeout, clock=FakeClock())
    return cls(cls.config_type.model_validate(options), ctx)
