"""How far the methods of a machine are off each other, as its own measurements show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from statistics import stdev
from typing import Any, NamedTuple

from collector_core.measure.kept import KeptMeasurement
from collector_core.metering.selection import trust

_SANE = (0.01, 100.0)  # ratios beyond are of a meter that did not work


@dataclass(frozen=True)
class MeterBias:
    """`ratio` is the joules by `method` ÷ those by `reference`, of the same component of a host in the same time.

    `count` measurements showed it, from `first_at` to `last_at` (seconds since 1970); `deviation` is that of their
    ratios, None for one.
    """

    host: str
    component: str
    method: str
    reference: str
    ratio: float
    deviation: float | None
    count: int
    first_at: float
    last_at: float

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON; what is not known is not in it."""
        return {key: value for key, value in asdict(self).items() if value is not None}


class _Sample(NamedTuple):
    joules: float
    reference_joules: float
    time: float


def learn_biases(kept: Sequence[KeptMeasurement]) -> list[MeterBias]:
    """Each method beside the more trusted one that counted; long measurements weigh more than short ones."""
    samples: dict[tuple[str, str, str, str], list[_Sample]] = {}
    for each in kept:
        for key, sample in _samples(each):
            samples.setdefault(key, []).append(sample)
    return [_bias(key, group) for key, group in sorted(samples.items())]


def corrected_joules(
    biases: Sequence[MeterBias], host: str, method: str, components: Mapping[str, float]
) -> tuple[float, MeterBias] | None:
    """What the most trusted reference would have said, with the bias that is the oldest; None where one is missing."""
    found = {
        bias.component: bias
        for bias in sorted(biases, key=lambda each: -trust(each.reference))
        if (bias.host, bias.method) == (host, method)
    }
    if not components or components.keys() - found.keys():
        return None
    joules = sum(energy / found[component].ratio for component, energy in components.items())
    return joules, min((found[component] for component in components), key=lambda each: each.last_at)


def _samples(kept: KeptMeasurement) -> Iterator[tuple[tuple[str, str, str, str], _Sample]]:
    host, reference = str(kept.result.get("host", "")), str(kept.result.get("method", ""))
    told = kept.result.get("disagreements")
    for each in told if isinstance(told, list) else ():
        if not isinstance(each, dict):
            continue
        component, method = str(each.get("component", "")), str(each.get("method", ""))
        joules, ratio = each.get("energy_joules"), each.get("ratio")
        if not isinstance(joules, int | float) or not isinstance(ratio, int | float):
            continue
        is_sane = isfinite(joules) and joules > 0 and _SANE[0] <= 1 + ratio <= _SANE[1]
        if is_sane and "+" not in reference and trust(reference) < trust(method):
            yield (host, component, method, reference), _Sample(joules, joules / (1 + ratio), kept.started_at)


def _bias(key: tuple[str, str, str, str], samples: Sequence[_Sample]) -> MeterBias:
    ratio = sum(each.joules for each in samples) / sum(each.reference_joules for each in samples)
    ratios = [each.joules / each.reference_joules for each in samples]
    times = [each.time for each in samples]
    deviation = stdev(ratios) if len(ratios) > 1 else None
    return MeterBias(*key, ratio, deviation, len(samples), min(times), max(times))
