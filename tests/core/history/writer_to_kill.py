"""Writes to the folder it is told, and prints the number of each reading once that is durable, until it is killed."""

import sys
from pathlib import Path

from collector_core.history.interface import Event, HistorySample
from collector_core.history.store import Store
from tests.core.history.conftest import NOON, STEPS, kept

ENERGY = kept("lamp_energy_joules_total", "counter")


def main(folder):
    store = Store(Path(folder), STEPS)
    store.open()
    found = store.catalogue.find(ENERGY.series.text)
    last = store.last(found[0]) if found else None
    each = 0 if last is None else round(last.value)
    while True:
        each += 1
        time = NOON + each * 10_000
        store.append([HistorySample(ENERGY, time, float(each), 1.0)], [Event(time, "mode", "lamp", f"{each}")])
        print(each, flush=True)
        if each % 7 == 0:
            store.seal(time + 60_000)
        if each % 50 == 0:
            store.compact(time)


if __name__ == "__main__":
    main(sys.argv[1])
