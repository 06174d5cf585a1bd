"""One measurement: every task within the budget, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from collector_core import Context, Metric, Readings
from collector_plugins.quantum import merkle, metrics
from collector_plugins.quantum.budget import CpuBudget, Stopwatch
from collector_plugins.quantum.config import Config
from collector_plugins.quantum.randomsource import is_address, shown, throughput_of_address, throughput_of_file
from collector_plugins.quantum.suites import Suite, suite

Values = Mapping[tuple[Metric, tuple[str, ...]], float]  # by a metric and the values of its labels
Times = Mapping[str, float]  # CPU seconds by operation


@dataclass
class Outcome:
    """What was found of one thing, or why nothing was."""

    values: dict[tuple[Metric, tuple[str, ...]], float] = field(default_factory=dict)
    error: Exception | None = None

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What fails within is kept as the reason."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever fails, the others are measured
            self.error = error


@dataclass(frozen=True)
class Measurement:
    """All outcomes by what was measured, and the CPU seconds that they took."""

    outcomes: Mapping[str, Outcome]
    cpu_seconds: float

    def publish(self, out: Readings) -> None:
        """Add what was found; what was not fails as a part of its own."""
        for what, outcome in self.outcomes.items():
            with out.part(what=what):
                if outcome.error:
                    raise outcome.error.with_traceback(None)
                for (metric, labels), value in outcome.values.items():
                    out.add(metric, value, **dict(zip(metric.labels, labels, strict=True)))


def algorithms(config: Config) -> tuple[str, ...]:
    """What is measured: post-quantum algorithms and those that they are compared with."""
    pairs = [(str(algorithm), algorithm.classical) for algorithm in config.post_quantum]
    return tuple(dict.fromkeys(name for pair in pairs for name in pair))


def measure(config: Config, ctx: Context, stopwatch: Stopwatch, watch: Stopwatch) -> Measurement:
    """Do all that is configured; takes about the budget of CPU time, and up to 3 s of waiting for the random source.

    `stopwatch` tells the CPU time of this thread, `watch` the time that passes; both in seconds.
    """
    began = stopwatch()
    outcomes: dict[str, Outcome] = defaultdict(Outcome)
    _measure_suites(config, outcomes, stopwatch)
    if config.random_source is not None:
        source = shown(config.random_source)
        with outcomes["random_source"].attempt():
            rate = _throughput(config, ctx, watch)
            outcomes["random_source"].values[metrics.THROUGHPUT, (source,)] = rate
    return Measurement(outcomes, stopwatch() - began)


def _measure_suites(config: Config, outcomes: dict[str, Outcome], stopwatch: Stopwatch) -> None:
    suites: dict[str, Suite] = {}
    for name in algorithms(config):
        with outcomes[name].attempt():
            suites[name] = suite(name)
    budget = CpuBudget(config.cpu_budget_seconds, 1 + sum(len(each.operations) for each in suites.values()), stopwatch)
    times: dict[str, Times] = {}
    for name, each in suites.items():
        with outcomes[name].attempt():
            times[name] = {operation: budget.mean_time(work) for operation, work in each.operations.items()}
            outcomes[name].values |= _of_suite(name, each, times[name])
    for algorithm in config.post_quantum:
        classical = algorithm.classical
        outcomes[algorithm].values |= _overheads(
            algorithm, times.get(algorithm, {}), classical, times.get(classical, {})
        )
    with outcomes[merkle.HASH].attempt():
        outcomes[merkle.HASH].values[metrics.MERKLE, (merkle.HASH,)] = merkle.OPERATIONS / budget.mean_time(
            merkle.build
        )


def _of_suite(name: str, each: Suite, times: Times) -> Values:
    spent: Values = {(metrics.OPERATION, (operation, name)): seconds for operation, seconds in times.items()}
    return {**spent, **{(metrics.SIZE, (name, part)): float(size) for part, size in each.sizes.items()}}


def _overheads(name: str, times: Times, classical: str, of_classical: Times) -> Values:
    """How much longer each operation takes that both algorithms have."""
    return {
        (metrics.OVERHEAD, (operation, name, classical)): seconds / of_classical[operation]
        for operation, seconds in times.items()
        if of_classical.get(operation)
    }


def _throughput(config: Config, ctx: Context, watch: Stopwatch) -> float:
    source = config.random_source or ""
    if is_address(source):
        return throughput_of_address(source, config.random_bytes, watch)
    return throughput_of_file(ctx.path(source), config.random_bytes, watch)
