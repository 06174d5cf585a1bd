"""Which meters count, so that each joule counts once: the one rule, for the ledger and for `measure()`.

1. What is inside a component (a virtual machine inside the cpu) never counts: it is counted with the component. Nor do
   batteries and plugs: they may feed more than this machine. A plug that feeds it alone is a meter of the `host`.
2. Of several meters for one device the most trusted method counts, in the order of `EnergyMethod`: a meter, a counter,
   the area under a power, a model.
3. A model counts only where nothing measures its component: it stands for the component as a whole.
4. A meter that covers components (the platform, psys) counts where none of these is measured; else its components
   do. `prefer=Prefer.PSYS` turns that round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod

MACHINE = frozenset({Component.CPU, Component.DRAM, Component.GPU, Component.HOST})
TRUST = {method: rank for rank, method in enumerate(EnergyMethod)}


class Prefer(StrEnum):
    """What counts where both are measured: `package`, the processors' packages and memory, or `psys`, the platform."""

    PACKAGE = "package"
    PSYS = "psys"


def choose(meters: Iterable[EnergyMeter], prefer: Prefer = Prefer.PACKAGE) -> list[EnergyMeter]:
    """The meters whose sum is the machine, in their order."""
    of_the_machine = (meter for meter in meters if meter.component in MACHINE and meter.inside is None)
    candidates = _without_models_beside_meters(_most_trusted(of_the_machine))
    covered = _covered(candidates, prefer)
    return [meter for meter in candidates if _counts(meter, candidates, covered, prefer)]


def _most_trusted(meters: Iterable[EnergyMeter]) -> list[EnergyMeter]:
    best: dict[tuple[Component, str], EnergyMeter] = {}
    for meter in meters:
        other = best.setdefault((meter.component, meter.device), meter)
        if TRUST[meter.method] < TRUST[other.method]:
            best[meter.component, meter.device] = meter
    return list(best.values())


def _without_models_beside_meters(meters: Sequence[EnergyMeter]) -> list[EnergyMeter]:
    measured = {meter.component for meter in meters if meter.method is not EnergyMethod.MODEL}
    return [meter for meter in meters if meter.method is not EnergyMethod.MODEL or meter.component not in measured]


def _covered(meters: Sequence[EnergyMeter], prefer: Prefer) -> set[Component]:
    """Components that are counted within a platform."""
    covers = [meter for meter in meters if meter.covers and _is_best(meter, meters, prefer)]
    return {component for meter in covers for component in meter.covers}


def _counts(meter: EnergyMeter, meters: Sequence[EnergyMeter], covered: set[Component], prefer: Prefer) -> bool:
    if meter.covers:
        return _is_best(meter, meters, prefer)
    return meter.component not in covered


def _is_best(platform: EnergyMeter, meters: Sequence[EnergyMeter], prefer: Prefer) -> bool:
    """Whether a platform counts rather than the components that it covers."""
    rivals = [meter for meter in meters if meter.component in platform.covers]
    if any(meter.method is not EnergyMethod.MODEL for meter in rivals):
        return prefer is Prefer.PSYS and platform.method is not EnergyMethod.MODEL
    return platform.method is not EnergyMethod.MODEL or not rivals
