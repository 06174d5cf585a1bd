"""How far several methods disagree about the same energy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from collector_core.measure.measurement import Disagreement
from collector_core.measure.meter_readings import Growth
from collector_core.metering.meters import EnergyMeter


def compare(
    counted: Sequence[EnergyMeter], others: Sequence[EnergyMeter], grown: Sequence[Growth]
) -> Iterator[Disagreement]:
    """What each other method says of the same things in the same time, where all of it is known both ways.

    `grown` is what the counted meters and then the others have grown by.
    """
    groups: dict[tuple[str, tuple[int, ...]], list[int]] = defaultdict(list)
    for place, meter in enumerate(others):
        groups[meter.method, _same_thing(counted, meter)].append(place)
    for (method, ours), theirs in groups.items():
        mine, yours = [grown[place] for place in ours], [grown[len(counted) + place] for place in theirs]
        if mine and not any(each.problem for each in (*mine, *yours)):
            component = "+".join(sorted({others[place].component for place in theirs}))
            joules = sum(each.joules for each in yours)
            yield Disagreement(component, str(method), joules, joules / sum(each.joules for each in mine) - 1)


def _same_thing(counted: Sequence[EnergyMeter], other: EnergyMeter) -> tuple[int, ...]:
    """Which of the counted meters know what another one knows: the same device, or all that one of them covers."""
    same = tuple(place for place, meter in enumerate(counted) if _names(meter) == _names(other))
    return same or tuple(place for place, meter in enumerate(counted) if _extent(meter) & _extent(other))


def _names(meter: EnergyMeter) -> tuple[str, str]:
    return meter.component, meter.device


def _extent(meter: EnergyMeter) -> frozenset[str]:
    return meter.covers | {meter.component}
