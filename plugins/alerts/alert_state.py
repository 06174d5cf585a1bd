"""The state machine of alerts: pending, firing, resolved, flapping. Pure: the time is passed in.

An alert is pending until its condition has held for `hold` seconds, then it fires. It resolves once the condition has
been false for `keep_firing` seconds. An alert that starts firing too often is flapping: it then stays firing until its
condition has not changed for a while. Only time that was observed counts: while the program was stopped or the machine
asleep, no condition is known to have held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from collector_plugins.alerts.alert import Alert

MAX_ALERTS_PER_RULE = 500
MAX_START_HISTORIES = 5000  # alerts whose recent starts are remembered


@dataclass(frozen=True, slots=True)
class AlertTiming:
    """Seconds for which a condition must hold before the alert fires, and be false before it resolves."""

    hold: float
    keep_firing: float


@dataclass(frozen=True, slots=True)
class FlapDetection:
    """An alert that starts `starts` times in `window` seconds flaps until nothing has changed for `calm` seconds."""

    starts: int
    window: float
    calm: float


class Evaluation(NamedTuple):
    """What a rule says about one series: `make_alert` builds the alert, given its start in seconds since 1970."""

    rule: str
    timing: AlertTiming
    make_alert: Callable[[float], Alert]
    holds: bool


@dataclass(slots=True)
class TrackedAlert:
    """A pending or firing alert; `holds` says whether its condition held when it was last evaluated.

    `held` is how many seconds the condition has been observed to hold, `steady` how many it has been observed not to
    change.
    """

    rule: str
    alert: Alert
    keep: float
    firing: bool = False
    holds: bool = True
    held: float = 0.0
    steady: float = 0.0


@dataclass
class AlertStates:
    """Everything a restart must preserve: alerts by rule and series, and when each of them recently started to fire."""

    tracked: dict[str, TrackedAlert] = field(default_factory=dict)
    recent_starts: dict[str, list[float]] = field(default_factory=dict)


class AlertStateMachine:
    """Tracks the alerts of all rules, at most `max_per_rule` of each, so that no rule can flood anybody.

    Evaluations more than `max_gap` seconds apart count as `max_gap` seconds of observed time. For `grace` seconds after
    a restart a missing series resolves no alert: it may not be there yet.
    """

    def __init__(
        self,
        flap_detection: FlapDetection,
        *,
        max_gap: float,
        grace: float,
        max_per_rule: int = MAX_ALERTS_PER_RULE,
    ) -> None:
        self.states = AlertStates()
        self.untracked_series = 0
        self._flap_detection = flap_detection
        self._max_gap = max_gap
        self._grace = grace
        self._max_per_rule = max_per_rule
        self._evaluated_at: float | None = None
        self._restored: set[str] = set()
        self._grace_ends_at = 0.0

    @property
    def firing_alerts(self) -> list[Alert]:
        """The alerts that fire, in the order in which their conditions began to hold."""
        return [tracked.alert for tracked in self.states.tracked.values() if tracked.firing]

    @property
    def pending_alerts(self) -> list[Alert]:
        """The alerts whose condition has not held for long enough yet."""
        return [tracked.alert for tracked in self.states.tracked.values() if not tracked.firing]

    def restore_states(self, states: AlertStates, now: float) -> None:
        """Continue from the state of an earlier process; `now` as in `apply_evaluations`.

        Starts that a wrong clock put into the future count as now: they would not leave the window for years.
        """
        starts = {key: [min(start, now) for start in times] for key, times in states.recent_starts.items() if times}
        self.states = AlertStates(states.tracked, starts)
        self._restored, self._grace_ends_at = set(states.tracked), now + self._grace

    def apply_evaluations(self, now: float, evaluations: Mapping[str, Evaluation], rules: Collection[str]) -> None:
        """Advance every alert to `now`, in steady seconds since 1970, given the evaluations by rule and series.

        A series without an evaluation is missing. `rules` names the rules that exist; alerts of other rules end.
        """
        elapsed = 0.0 if self._evaluated_at is None else min(max(0.0, now - self._evaluated_at), self._max_gap)
        self._evaluated_at = now
        self.untracked_series = 0
        self._release_alerts(now, elapsed, evaluations, rules)
        sizes = Counter(tracked.rule for tracked in self.states.tracked.values())
        for key, evaluation in evaluations.items():
            if evaluation.holds:
                self._hold_alert(key, evaluation, now, elapsed, sizes)
        self._forget_old_starts(now)

    def _release_alerts(
        self, now: float, elapsed: float, evaluations: Mapping[str, Evaluation], rules: Collection[str]
    ) -> None:
        for key, tracked in list(self.states.tracked.items()):
            evaluation = evaluations.get(key)
            if tracked.rule not in rules:
                del self.states.tracked[key]
            elif evaluation is None and key in self._restored and now < self._grace_ends_at:
                continue
            elif evaluation is None or not evaluation.holds:
                self._release_alert(key, tracked, elapsed)

    def _hold_alert(self, key: str, evaluation: Evaluation, now: float, elapsed: float, sizes: Counter[str]) -> None:
        tracked = self.states.tracked.get(key)
        if tracked is not None:
            self._extend_alert(tracked, evaluation, elapsed)
        elif sizes[evaluation.rule] < self._max_per_rule:
            sizes[evaluation.rule] += 1
            tracked = TrackedAlert(evaluation.rule, evaluation.make_alert(now), evaluation.timing.keep_firing)
            self.states.tracked[key] = tracked
        else:
            self.untracked_series += 1
            return
        if not tracked.firing and tracked.held >= evaluation.timing.hold:
            self._start_firing(key, tracked, now)
        elif tracked.alert.flapping and tracked.steady >= self._flap_detection.calm:
            tracked.alert = replace(tracked.alert, flapping=False)
            self.states.recent_starts.pop(key, None)

    def _extend_alert(self, tracked: TrackedAlert, evaluation: Evaluation, elapsed: float) -> None:
        """The condition holds again or still: take over what the rule says now."""
        tracked.held += 0.0 if tracked.firing else elapsed
        self._record_condition(tracked, elapsed, holds=True)
        before = tracked.alert
        tracked.alert = replace(evaluation.make_alert(before.starts_at), flapping=before.flapping)
        tracked.keep = evaluation.timing.keep_firing

    def _start_firing(self, key: str, tracked: TrackedAlert, now: float) -> None:
        limit = self._flap_detection
        tracked.firing, tracked.steady = True, 0.0
        recent = [start for start in self.states.recent_starts.get(key, ()) if now - start < limit.window]
        recent = [*recent, now][-limit.starts :]
        self.states.recent_starts[key] = recent
        tracked.alert = replace(tracked.alert, starts_at=now, flapping=len(recent) >= limit.starts)

    def _release_alert(self, key: str, tracked: TrackedAlert, elapsed: float) -> None:
        """The condition is false: a pending alert is dropped, a firing one resolves after `keep_firing`."""
        self._record_condition(tracked, elapsed, holds=False)
        keep = max(tracked.keep, self._flap_detection.calm) if tracked.alert.flapping else tracked.keep
        if not tracked.firing or tracked.steady >= keep:
            del self.states.tracked[key]
            if tracked.alert.flapping:
                self.states.recent_starts.pop(key, None)

    def _record_condition(self, tracked: TrackedAlert, elapsed: float, *, holds: bool) -> None:
        longest = max(self._flap_detection.calm, tracked.keep)
        tracked.steady = min(tracked.steady + elapsed, longest) if tracked.holds is holds else 0.0
        tracked.holds = holds

    def _forget_old_starts(self, now: float) -> None:
        starts = self.states.recent_starts
        for key in [key for key, times in starts.items() if now - times[-1] >= self._flap_detection.window]:
            del starts[key]
        for key in list(starts)[: max(0, len(starts) - MAX_START_HISTORIES)]:
            del starts[key]
