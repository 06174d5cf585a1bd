"""The machine's power as plain data: for `/api/v1/power` and the section of the status page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from collector_core import Context, EnergyMeter, EnergyMethod, HistoryUnavailable, NotAvailable, Selector, describe
from collector_core.metering import Account, Ledger, account_of
from collector_plugins.energy.power_history import WINDOW, PowerHistory, Sample, Total, Watts

POWER = Selector.parse('{__topic__="power",__of__="host"}')
TOO_EARLY = "no watts yet: they take two readings of a source"
LATE = "the ledger has not run for so long that its watts say nothing of now"
# As for series: without a run for so long nothing is known of now.
STALE_INTERVALS = 3
SHORTEST_STALE_SECONDS = 5.0


class _Run(NamedTuple):
    """What the ledger knew after its last run; `time` in monotonic seconds. Never changed."""

    time: float
    watts: Mapping[Account, float]
    chosen: Sequence[EnergyMeter]
    joules: Mapping[Account, float]
    problem: NotAvailable | None

    @property
    def watts_by_component(self) -> Watts:
        """None where a meter that counts has no power, for a sum without it would be too small."""
        accounts = sorted({*self.watts, *map(account_of, self.chosen)})
        parts: dict[str, list[float | None]] = {}
        for account in accounts if self.problem is None else ():
            parts.setdefault(account.component, []).append(self.watts.get(account))
        return {component: _sum(values) for component, values in parts.items()}

    @property
    def joules_by_component(self) -> Mapping[str, float]:
        joules: dict[str, float] = {}
        for account, value in self.joules.items():
            joules[account.component] = joules.get(account.component, 0.0) + value
        return joules

    @property
    def estimated(self) -> frozenset[str]:
        """Components of which a model tells at least a part."""
        return frozenset(account.component for account in self.watts if account.method == EnergyMethod.MODEL)


class PowerView:
    """Follows a ledger run by run and says what is known of now and of the last quarter of an hour.

    `record` is called on the collector's thread, `recall` and `data` on any.
    """

    def __init__(self, ctx: Context) -> None:
        self._clock = ctx.clock
        self._stale_after = max(STALE_INTERVALS * ctx.interval, SHORTEST_STALE_SECONDS)
        self._past = ctx.history
        self._source = ctx.name
        self._log = ctx.logger
        self._history = PowerHistory(ctx.interval)
        self._since = ctx.clock.time()
        self._last = _Run(ctx.clock.monotonic(), {}, (), {}, None)

    def record(self, ledger: Ledger, problem: NotAvailable | None) -> None:
        """Take down what a run has brought, or what was wrong with it."""
        now = self._clock.monotonic()
        self._last = last = _Run(now, ledger.watts(), ledger.chosen, ledger.joules.copy(), problem)
        if self._history.is_due(now):
            self._history.add(Sample(now, last.watts_by_component))

    def recall(self) -> None:
        """Take the last quarter of an hour from the history; may wait for a disk.

        Without an answer nothing is known of the time before.
        """
        now, offset = self._clock.time(), self._clock.time() - self._clock.monotonic()
        try:
            found = self._past.query(POWER, now - WINDOW, now)
        except HistoryUnavailable as error:
            self._log.debug("the power of the last minutes is not shown: %s", describe(error))
            return
        watts: dict[float, dict[str, float | None]] = defaultdict(dict)
        for past in found:
            component = past.series.labels.get("component")
            if component and past.series.source == self._source:
                for time, value in past.points:
                    watts[time][component] = (watts[time].get(component) or 0.0) + value
        self._history.add_before(Sample(time - offset, watts[time]) for time in sorted(watts))

    def data(self) -> dict[str, Any]:
        """Watts now, joules since the start and watts of the last quarter of an hour, by component; None is not known.

        `reason` and `fix` say why no component has watts.
        """
        now, last = self._clock.monotonic(), self._last
        late = now - last.time > self._stale_after
        if late or last.problem:
            last = _Run(last.time, {}, (), {}, last.problem)
        watts, joules, estimated = last.watts_by_component, last.joules_by_component, last.estimated
        samples = self._history.since(now - WINDOW)
        total = Total()
        history = self._history_data(samples, total)
        components = dict.fromkeys([*watts, *joules, *history["watts"]])
        return {
            "time": self._clock.time(),
            "since_timestamp_seconds": self._since,
            "total_watts": total.of(watts),
            "total_joules": sum(joules.values()) if joules else None,
            "components": {
                name: {
                    "watts": watts.get(name),
                    "joules": joules.get(name),
                    "estimated": name in estimated,
                }
                for name in components
            },
            "history": history,
            **_why_nothing(watts, last.problem, late=late),
        }

    def _history_data(self, samples: Sequence[Sample], total: Total) -> dict[str, Any]:
        offset = self._clock.time() - self._clock.monotonic()
        names = dict.fromkeys(name for sample in samples for name in sample.watts)
        return {
            "window_seconds": WINDOW,
            "longest_step_seconds": self._history.longest_step,
            "timestamps": [round(sample.time + offset, 3) for sample in samples],
            "total_watts": [total.of(sample.watts) for sample in samples],
            "watts": {name: [sample.watts.get(name) for sample in samples] for name in names},
        }


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _why_nothing(watts: Watts, problem: NotAvailable | None, *, late: bool) -> dict[str, str | None]:
    """Why no component has watts."""
    if any(each is not None for each in watts.values()):
        return {"reason": None, "fix": None}
    if problem:
        return {"reason": problem.detail, "fix": problem.fix or None}
    return {"reason": LATE if late else TOO_EARLY, "fix": None}
