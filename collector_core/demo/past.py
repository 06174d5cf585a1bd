"""Yesterday and today before the demo began, for its history: what the ledger would have counted of the rack."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import NamedTuple

from collector_core.demo.rack import Rack
from collector_core.errors import CollectorError
from collector_core.history.catalogue import KeptSeries
from collector_core.history.interface import HistoryStore, Sample
from collector_core.history.options import HistoryOptions
from collector_core.history.stores import command_store
from collector_core.metering.factors import JOULES_PER_KWH
from collector_core.metering.intensity import by_country
from collector_core.model.labels import label_text
from collector_core.model.series import Series

log = logging.getLogger(__name__)

STEP = 900
DECIMALS = 4
GAP = 3 * STEP * 1000  # milliseconds
SOURCE = "energy"


class _Part(NamedTuple):
    component: str
    device: str
    method: str


def keep_past() -> None:
    """Fill the demo's history up to now from where it ends, at most since yesterday; a disk may refuse."""
    store = command_store(HistoryOptions().of_demo)
    try:
        store.open()
        fill(store, round(time.time()))
    except (CollectorError, OSError) as error:
        log.info("the demo begins without a past: %s", error)
    finally:
        store.close()


def fill(store: HistoryStore, now: int) -> None:
    """Keep what is missing of yesterday and today before `now` (seconds since 1970)."""
    last = _last_time(store)
    times = [when for when in range(_yesterday(now), now - STEP, STEP) if when > last]
    if len(times) < 2:
        return
    watts, grams_per_kwh = _watts(times), _grams_per_kwh()
    for part, values in watts.items():
        _keep(store, "energy_power_watts", part._asdict(), "watts", "power", times, values)
        _keep(store, "energy_joules_total", part._asdict(), "joules", "energy", times, [each * STEP for each in values])
    for component, kwh in _kwh_by_component(watts).items():
        emitted = [each * grams_per_kwh for each in kwh]
        _keep(store, "energy_emissions_grams_total", {"component": component}, "grams", "emissions", times, emitted)
    cost = [sum(step) * Rack.price_per_kwh for step in zip(*_kwh_by_component(watts).values(), strict=True)]
    _keep(store, "energy_cost_total", {"currency": "EUR"}, "", "cost", times, cost)
    store.seal(now * 1000)


def _yesterday(now: int) -> int:
    """When yesterday began, here."""
    local = time.localtime(now)
    return round(time.mktime((local.tm_year, local.tm_mon, local.tm_mday - 1, 0, 0, 0, 0, 0, -1)))


def _last_time(store: HistoryStore) -> float:
    """When the ledger was last written down, in seconds; minus infinity where it never was."""
    ledger = (number for number, kept in store.catalogue if kept.series.name == "energy_power_watts")
    return max((last.time / 1000 for number in ledger if (last := store.last(number))), default=float("-inf"))


def _watts(times: list[int]) -> Mapping[_Part, list[float]]:
    """The power of each part of the rack at each time."""
    found: dict[_Part, list[float]] = {}
    rack = Rack()
    for when in times:
        for part, watts in _parts(rack, float(when)):
            found.setdefault(part, []).append(watts)
    return found


def _parts(rack: Rack, when: float) -> Iterator[tuple[_Part, float]]:
    rest = rack.machine_watts(when)
    memory = rack.memory_watts(when) / rack.packages
    for number, watts in enumerate(rack.package_watts(when)):
        rest -= watts + memory
        yield _Part("cpu", f"package-{number}", "rapl"), watts
        yield _Part("dram", f"package-{number}", "rapl"), memory
    for gpu in rack.gpus:
        if gpu.host == rack.host:
            watts = gpu.watts(when)
            rest -= watts
            yield _Part("gpu", gpu.uuid, "nvml_counter"), watts
    yield _Part("host", "rest", "meter"), rest


def _kwh_by_component(watts: Mapping[_Part, list[float]]) -> Mapping[str, list[float]]:
    """What a building takes for each component in each step."""
    found: dict[str, list[float]] = {}
    for part, values in watts.items():
        before = found.get(part.component, [0.0] * len(values))
        kwh = (each * STEP / JOULES_PER_KWH * Rack.pue for each in values)
        found[part.component] = [one + other for one, other in zip(before, kwh, strict=True)]
    return found


def _grams_per_kwh() -> float:
    intensity = by_country(Rack.country)
    return intensity.grams_per_kwh if intensity else 0.0


def _keep(
    store: HistoryStore,
    name: str,
    labels: Mapping[str, str],
    unit: str,
    topic: str,
    times: list[int],
    values: list[float],
) -> None:
    """Keep a gauge's values, or by how much a counter rose."""
    is_counter = name.endswith("_total")
    labels = dict(sorted({**labels, "demo": "true"}.items()))
    kind = "counter" if is_counter else "gauge"
    series = Series(name + label_text(labels), name, labels, kind, unit, "", SOURCE, topic, "host")
    kept = KeptSeries(series, SOURCE, GAP)
    values = [round(value, DECIMALS) for value in values]
    shown = accumulate(values) if is_counter else values
    rises = values if is_counter else [0.0] * len(values)
    readings = zip(times, shown, rises, strict=True)
    store.append([Sample(kept, when * 1000, value, rise) for when, value, rise in readings])
