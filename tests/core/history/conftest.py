"""A store in a folder of the test's own, and series for it."""

import pytest

from collector_core.history.catalogue import KeptSeries
from collector_core.history.embedded import EmbeddedStore
from collector_core.history.options import HistoryOptions
from collector_core.history.tiers import HOUR
from collector_core.model.labels import label_text
from collector_core.model.series import Series

NOON = 1_790_000_000_000 // HOUR * HOUR  # milliseconds, as all times here
MINUTE = 60_000
STEPS = (MINUTE, 15 * MINUTE, HOUR)


def kept(name="lamp_power_watts", kind="gauge", *, gap=35_000, **labels):
    return KeptSeries(Series(name + label_text(labels), name, labels, kind, "watts", "Help.", "lamp"), "lamp", gap)


@pytest.fixture
def store(tmp_path):
    found = EmbeddedStore(HistoryOptions(path=tmp_path / "history"))
    found.open()
    yield found
    found.close()
