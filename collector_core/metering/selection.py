"""Which meters count, so that each joule counts once: the one rule, for the ledger and for `measure()`.

1. What is inside a component (a virtual machine inside the cpu) never counts: it is counted with the component. Nor do
   batteries and plugs: they may feed more than this machine. A plug that feeds it alone is a meter of the `host`.
   A component that a plugin names itself counts where the meter says that it is `of_machine`.
2. Of several meters for one device the most trusted method counts, in the order of `EnergyMethod`: a meter, a counter,
   the area under a power, a model. A method that a plugin names itself is trusted less than those that measure and
   more than a model; between two of one rank the smaller uncertainty decides.
3. A model counts only where nothing measures its component: it stands for the component as a whole.
4. A meter that covers components (the platform, psys) counts where none of these is measured; else its components
   do. `prefer=Prefer.PSYS` turns that round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from collector_core.metering.meters import Component, EnergyMeter, EnergyMethod

MACHINE = frozenset({Component.CPU, Component.DRAM, Component.GPU, Component.HOST})
_TRUST: Mapping[str, int] = {method: rank for rank, method in enumerate(EnergyMethod)}


class Prefer(StrEnum):
    """What counts where both are measured: `package`, the processors' packages and memory, or `psys`, the platform."""

    PACKAGE = "package"
    PSYS = "psys"


def trust(method: str) -> float:
    """The rank of a method, the most trusted first; one that we do not know comes just before a model."""
    return _TRUST.get(method, _TRUST[EnergyMethod.MODEL] - 0.5)


def choose(meters: Iterable[EnergyMeter], prefer: Prefer = Prefer.PACKAGE) -> list[EnergyMeter]:
    """The meters whose sum is the machine, in their order."""
    of_the_machine = (meter for meter in meters if _is_of_machine(meter))
    candidates = _without_models_beside_meters(_most_trusted(of_the_machine))
    covered = _covered(candidates, prefer)
    return [meter for meter in candidates if _counts(meter, candidates, covered, prefer)]


def _is_of_machine(meter: EnergyMeter) -> bool:
    return meter.inside is None and not meter.is_foreign and (meter.of_machine or meter.component in MACHINE)


def _most_trusted(meters: Iterable[EnergyMeter]) -> list[EnergyMeter]:
    best: dict[tuple[str, str], EnergyMeter] = {}
    for meter in meters:
        other = best.setdefault((meter.component, meter.device), meter)
        if _rank(meter) < _rank(other):
            best[meter.component, meter.device] = meter
    return list(best.values())


def _rank(meter: EnergyMeter) -> tuple[float, float]:
    return trust(meter.method), meter.uncertainty


def _without_models_beside_meters(meters: Sequence[EnergyMeter]) -> list[EnergyMeter]:
    measured = {meter.component for meter in meters if meter.method != EnergyMethod.MODEL}
    return [meter for meter in meters if meter.method != EnergyMethod.MODEL or meter.component not in measured]


def _covered(meters: Sequence[EnergyMeter], prefer: Prefer) -> set[str]:
    """Components that are counted within a platform."""
    covers = [meter for meter in meters if meter.covers and _is_best(meter, meters, prefer)]
    return {component for meter in covers for component in meter.covers}


def _counts(meter: EnergyMeter, meters: Sequence[EnergyMeter], covered: set[str], prefer: Prefer) -> bool:
    if meter.covers:
        return _is_best(meter, meters, prefer)
    return meter.component not in covered


def _is_best(platform: EnergyMeter, meters: Sequence[EnergyMeter], prefer: Prefer) -> bool:
    """Whether a platform counts rather than the components that it covers."""
    rivals = [meter for meter in meters if meter.component in platform.covers]
    if any(meter.method != EnergyMethod.MODEL for meter in rivals):
        return prefer is Prefer.PSYS and platform.method != EnergyMethod.MODEL
    return platform.method != EnergyMethod.MODEL or not rivals
