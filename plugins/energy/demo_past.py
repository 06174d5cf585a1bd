"""What the ledger would have counted of the simulated rack before the demo began."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from collector_core import Metric
from collector_core.demo.rack import Rack
from collector_core.metering import JOULES_PER_KWH, by_country
from collector_plugins.energy.metrics import COST, EMISSIONS, ENERGY, POWER


class _Part(NamedTuple):
    component: str
    device: str
    method: str


Past = tuple[Metric, Mapping[str, str], Sequence[float]]


def past(times: Sequence[int]) -> Iterator[Past]:
    """Power, energy, cost and emissions at `times` (seconds since 1970), of counters the rises to them."""
    step = times[1] - times[0]
    watts = _watts(times)
    kwh = _kwh_by_component(watts, step)
    for part, values in watts.items():
        yield POWER, part._asdict(), values
        yield ENERGY, part._asdict(), [each * step for each in values]
    intensity = by_country(Rack.country)
    grams_per_kwh = intensity.grams_per_kwh if intensity else 0.0
    for component, used in kwh.items():
        yield EMISSIONS, {"component": component}, [each * grams_per_kwh for each in used]
    cost = [sum(together) * Rack.price_per_kwh for together in zip(*kwh.values(), strict=True)]
    yield COST, {"currency": Rack.currency}, cost


def _watts(times: Sequence[int]) -> Mapping[_Part, Sequence[float]]:
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


def _kwh_by_component(watts: Mapping[_Part, Sequence[float]], step: int) -> Mapping[str, Sequence[float]]:
    """What the building takes for each component in each step."""
    found: dict[str, list[float]] = {}
    for part, values in watts.items():
        before = found.get(part.component, [0.0] * len(values))
        kwh = (each * step / JOULES_PER_KWH * Rack.pue for each in values)
        found[part.component] = [one + other for one, other in zip(before, kwh, strict=True)]
    return found
