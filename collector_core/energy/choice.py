"""Which of the energy meters count, so that no joule is added twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from collector_core.energy.meters import Component, EnergyMeter, EnergyMethod

_TRUST = {method: place for place, method in enumerate(EnergyMethod)}


class Prefer(StrEnum):
    """What counts where a platform meter covers the processors: the parts, or the platform."""

    PACKAGE = "package"
    PSYS = "psys"


def choose(meters: Iterable[EnergyMeter], prefer: str = Prefer.PACKAGE) -> list[EnergyMeter]:
    """The meters whose sum is the machine: each thing once, by its most trusted method, and never a part of another.

    A platform meter gives way to the parts that it covers, or the parts to it where `prefer` is `psys`.
    """
    best = list(_best(meter for meter in meters if meter.inside is None))
    if prefer == Prefer.PSYS:
        covered = {component for meter in best for component in meter.covers}
        return [meter for meter in best if meter.component not in covered]
    present = {meter.component for meter in best}
    return [meter for meter in best if not meter.covers & present]


def _best(meters: Iterable[EnergyMeter]) -> Iterator[EnergyMeter]:
    """One meter for each thing; a model stands for a whole component, so that it gives way to any meter of it."""
    ranked = sorted(meters, key=lambda meter: _TRUST[meter.method])
    measured = {meter.component for meter in ranked if meter.method is not EnergyMethod.MODEL}
    found: dict[tuple[Component, str], EnergyMeter] = {}
    for meter in ranked:
        if meter.method is not EnergyMethod.MODEL or meter.component not in measured:
            found.setdefault((meter.component, meter.device), meter)
    return iter(found.values())
