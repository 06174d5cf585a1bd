"""What somebody should look at: weak and slow algorithms, a random source that fails, poor simulations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from collector_plugins.quantum import metrics
from collector_plugins.quantum.config import Config
from collector_plugins.quantum.measurement import Measurement
from collector_plugins.quantum.pushed import Simulation
from collector_plugins.quantum.randomsource import shown
from collector_plugins.quantum.security import Strength


class Finding(StrEnum):
    """The values of the label `finding`."""

    WEAK = "weak_algorithm"
    QUANTUM_VULNERABLE = "quantum_vulnerable"
    SLOW = "slow_algorithm"
    RANDOM_SOURCE = "random_source"
    LOW_FIDELITY = "low_fidelity"


Findings = dict[tuple[Finding, str], bool]
"""By finding and subject (an algorithm, a source, a simulation), whether it holds now."""


def find(
    config: Config, strengths: Mapping[str, Strength], last: Measurement, pushed: Mapping[str, Simulation]
) -> Findings:
    """All that is judged; algorithms and the random source are only where the configuration names them."""
    found: Findings = {}
    for name in config.algorithms:
        found[Finding.WEAK, name] = strengths[name].classical < config.min_classical_bits
        found[Finding.QUANTUM_VULNERABLE, name] = strengths[name].quantum < config.min_quantum_bits
    if (source := config.random_source) is not None and "random_source" in config.model_fields_set:
        found[Finding.RANDOM_SOURCE, shown(source)] = _fails(last, config.min_random_bytes_per_second or 0.0)
    if (most := config.max_overhead_ratio) is not None:
        for name, ratio in _overheads(last):
            found[Finding.SLOW, name] = found.get((Finding.SLOW, name), False) or ratio > most
    if (least := config.min_gate_fidelity_ratio) is not None:
        for name, simulation in pushed.items():
            if simulation.gate_fidelity_ratio is not None:
                found[Finding.LOW_FIDELITY, name] = simulation.gate_fidelity_ratio < least
    return found


def _fails(last: Measurement, least: float) -> bool:
    outcome = last.outcomes["random_source"]
    return outcome.error is not None or any(rate < least for rate in outcome.values.values())


def _overheads(last: Measurement) -> Iterator[tuple[str, float]]:
    for outcome in last.outcomes.values():
        for (metric, labels), ratio in outcome.values.items():
            if metric is metrics.OVERHEAD:
                yield labels[1], ratio
