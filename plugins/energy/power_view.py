"""The machine's power as plain data: for `/api/v1/power` and the section of the status page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from collector_core import Context, EnergyMethod, HistoryUnavailable, NotAvailable, Selector, describe
from collector_core.metering import Account, Ledger, account_of
from collector_plugins.energy.power_history import WINDOW, PowerHistory, Sample, Total, Watts

POWER = Selector.parse('{__topic__="power",__of__="host"}')
TOO_EARLY = "no watts yet: they take two readings of a source"
LATE = "the ledger has not run for so long that its watts say nothing of now"
# As for series: without a run for so long nothing is known of now.
STALE_INTERVALS = 3
SHORTEST_STALE_SECONDS = 5.0


class _Run(NamedTuple):
    """What the ledger knew after its last run, by component; `time` in monotonic seconds. Never changed."""

    time: float
    watts: Watts
    joules: Mapping[str, float]
    estimated: frozenset[str]
    problem: NotAvailable | None


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
        self._last = _Run(ctx.clock.monotonic(), {}, {}, frozenset(), None)

    def record(self, ledger: Ledger, problem: NotAvailable | None) -> None:
        """Take down what a run has brought, or what was wrong with it."""
        now = self._clock.monotonic()
        watts = {} if problem else _by_component(ledger)
        self._last = _Run(now, watts, _joules(ledger), _estimated(ledger), problem)
        self._history.add(Sample(now, watts))

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
            last = _Run(last.time, {}, {}, frozenset(), last.problem)
        samples = self._history.since(now - WINDOW)
        total = Total()
        history = self._history_data(samples, total)
        components = dict.fromkeys([*last.watts, *last.joules, *history["watts"]])
        return {
            "time": self._clock.time(),
            "since_timestamp_seconds": self._since,
            "total_watts": total.of(last.watts),
            "total_joules": sum(last.joules.values()) if last.joules else None,
            "components": {
                name: {
                    "watts": last.watts.get(name),
                    "joules": last.joules.get(name),
                    "estimated": name in last.estimated,
                }
                for name in components
            },
            "history": history,
            **_why_nothing(last, late=late),
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


def _by_component(ledger: Ledger) -> Watts:
    """None where a meter that counts has no power, for a sum without it would be too small."""
    watts = ledger.watts()
    accounts = sorted({*watts, *map(account_of, ledger.chosen)})
    parts: dict[str, list[float | None]] = {}
    for account in accounts:
        parts.setdefault(account.component, []).append(watts.get(account))
    return {component: _sum(values) for component, values in parts.items()}


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _joules(ledger: Ledger) -> dict[str, float]:
    joules: dict[str, float] = {}
    for account, value in ledger.joules.items():
        joules[account.component] = joules.get(account.component, 0.0) + value
    return joules


def _estimated(ledger: Ledger) -> frozenset[str]:
    """Components of which a model tells at least a part."""
    return frozenset(account.component for account in ledger.watts() if _is_model(account))


def _is_model(account: Account) -> bool:
    return account.method == EnergyMethod.MODEL


def _why_nothing(last: _Run, *, late: bool) -> dict[str, str | None]:
    """Why no component has watts."""
    if any(watts is not None for watts in last.watts.values()):
        return {"reason": None, "fix": None}
    if last.problem:
        return {"reason": last.problem.detail, "fix": last.problem.fix or None}
    return {"reason": LATE if late else TOO_EARLY, "fix": None}
