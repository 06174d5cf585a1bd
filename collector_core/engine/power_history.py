"""What the energy ledger shows, by component, now and for the last quarter of an hour."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from collector_core.engine.runner import Runner
from collector_core.model.clock import Clock
from collector_core.model.metrics import Metric
from collector_core.model.readings import Snapshot

INTERVAL = 5.0
"""Seconds between two samples: the ledger's own default."""

WINDOW = 900.0
"""Seconds that are kept."""

LONGEST_STEP = 2.5 * INTERVAL
"""Seconds between two samples beyond which nothing is known of the time between them: a suspend, for instance."""

POWER, ENERGY, METER = "energy_power_watts", "energy_joules_total", "energy_meter_info"


class Sample(NamedTuple):
    """Watts by component at a time (monotonic seconds); None where a meter that counts has no power."""

    time: float
    watts: Mapping[str, float | None]


@dataclass
class Total:
    """Adds up samples; the sum is None where a component is missing that was there before and that none replaced.

    A component that appears ends what was expected before it: a plug that begins to count stands for what it feeds.
    """

    expected: frozenset[str] = frozenset()

    def of(self, watts: Mapping[str, float | None]) -> float | None:
        """The machine's watts, None where not all of them are known."""
        known = {component: value for component, value in watts.items() if value is not None}
        if known.keys() - self.expected:
            self.expected = frozenset(watts)
        whole = len(known) == len(watts) and self.expected <= known.keys()
        return sum(known.values()) if known and whole else None


class PowerHistory:
    """Looks at the ledger's last readings every five seconds; bounded, and one more thing for the watchdog to tick."""

    def __init__(self, runners: Callable[[], Iterable[Runner]], clock: Clock) -> None:
        self._runners = runners
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=int(WINDOW / INTERVAL) + 1)
        self._counted_by: Runner | None = None
        self._since = clock.time()

    @property
    def ledger(self) -> Runner | None:
        """The collector that declares the ledger's metrics; the first one, should there be several."""
        return next((runner for runner in self._runners() if _declares(runner, POWER)), None)

    @property
    def since(self) -> float:
        """When the ledger began to count, in seconds since 1970."""
        return self._since

    def tick(self, now: float) -> float:
        """Keep what is shown at `now`; returns when to look again (monotonic seconds)."""
        ledger = self.ledger
        if ledger is not self._counted_by:
            self._counted_by, self._since = ledger, self._clock.time()
        self._samples.append(Sample(now, power(ledger.snapshot) if ledger else {}))
        return (now // INTERVAL + 1) * INTERVAL

    def samples(self) -> list[Sample]:
        """Those of the last quarter of an hour, oldest first."""
        oldest = self._clock.monotonic() - WINDOW
        return [sample for sample in self._samples.copy() if sample.time >= oldest]


def power(shown: Snapshot) -> dict[str, float | None]:
    """Watts by component; None where a meter that counts has none, for a sum without it would be too small."""
    watts = {_account(labels): value for labels, value in _series(shown, POWER)}
    counting = [_account(labels) for labels, _ in _series(shown, METER) if labels.get("counts") == "true"]
    accounts = dict.fromkeys([*watts, *counting])
    parts: dict[str, list[float | None]] = {}
    for account in sorted(accounts):
        parts.setdefault(account[0], []).append(watts.get(account))
    return {component: _sum(values) for component, values in parts.items()}


def energy(shown: Snapshot) -> dict[str, float]:
    """Joules by component since the ledger began to count."""
    joules: dict[str, float] = {}
    for labels, value in _series(shown, ENERGY):
        joules[labels["component"]] = joules.get(labels["component"], 0.0) + value
    return joules


def estimated(shown: Snapshot) -> set[str]:
    """Components of which a model tells at least a part."""
    return {labels["component"] for labels, _ in _series(shown, POWER) if labels.get("method") == "model"}


def _sum(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _account(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("component", "device", "method"))


def _series(shown: Snapshot, name: str) -> Iterator[tuple[dict[str, str], float]]:
    for metric in _named(shown.layout.metrics, name):
        for key, value in shown.series(metric):
            yield dict(zip(metric.labels, key, strict=True)), value


def _declares(runner: Runner, name: str) -> bool:
    return any(_named(runner.instance.type.metrics, name))


def _named(metrics: Iterable[Metric], name: str) -> Iterator[Metric]:
    return (metric for metric in metrics if metric.name == name)
