"""A history, and what a collector reports to it."""

from array import array

from collector_core import Counter, Gauge, Unit
from collector_core.history.interface import EVER
from collector_core.history.service import HistoryService
from collector_core.model.readings import Layout, Snapshot
from collector_core.model.result import Result
from collector_core.model.run_report import RunReport
from collector_core.testing import FakeClock

POWER = Gauge("lamp_power_watts", "Power.", Unit.WATTS, ("plug",), topic="power", of="plug")
SECRET = Gauge("lamp_other_watts", "Power.", Unit.WATTS, ("plug",))
FOREIGN = Counter("lamp_energy_joules_total", "Energy.", Unit.JOULES, ("plug",), topic="energy", of="plug")
LEDGER = Counter("books_joules_total", "Energy.", Unit.JOULES, ("component",), topic="energy", of="host")
START = 1_790_000_000.0


class Lamp:
    """A history in one of `stores`, and the runs of one collector with an injected clock."""

    def __init__(self, stores, name="history", **options):
        self.stores, self.name = stores, name
        self.clock = FakeClock()
        self.clock.wall_time = START
        self.options = stores.options(name, **options)
        self.begin()

    def begin(self):
        self.shown = []
        self.history = HistoryService(self.options, self.clock, self.shown.append)
        self.history.record_event("start", "energy-collector", "started")

    def end(self):
        self.history.write()
        self.history.store.close()

    def settle(self):
        """Write what waits, and wait until it has arrived or is refused."""
        for _ in range(3):
            self.history.write()
            self.stores.wait(self.history.store)
        self.history.write()

    def run(self, seconds=10.0, **values):
        metrics = {metric.name: metric for metric in (POWER, SECRET, FOREIGN, LEDGER)}
        layout = Layout({metrics[name]: [("a",)] for name in values})
        snapshot = Snapshot(layout, array("d", values.values()))
        now = self.clock.time(), self.clock.monotonic()
        self.history.observe(RunReport("lamp", "lamp", Result.OK, 0.1, *now, {}, snapshot), 30.0)
        self.advance(seconds)

    def advance(self, seconds):
        self.clock.advance(seconds)

    def points(self, name):
        self.settle()
        beside = self.stores.beside(self.name)
        return [
            (point.time / 1000 - START, point.value, point.rise)
            for number, kept in beside.catalogue
            if kept.series.name == name
            for point in beside.read(number, 0, EVER)
        ]

    def metric(self, name):
        layout, values = self.shown[-1].layout, self.shown[-1].values
        return {
            key[0] if key else "": values[place]
            for metric, places in layout.places.items()
            if metric.name == name
            for key, place in places.items()
        }
