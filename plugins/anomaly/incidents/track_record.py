"""How right the detector was on these very series: what people confirmed and muted, and what only a rule noticed."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from collector_plugins.anomaly.incidents.incident import CONFIRMED, MUTED, Incident, Outcome, rfc3339
from collector_plugins.anomaly.state_checks import is_finite

RAISED = "raised"
MISSED = "missed"
OUTCOMES = (RAISED, CONFIRMED, MUTED, MISSED)
MAX_MISSES = 50


class Miss(NamedTuple):
    """An alert of a rule that fired, in seconds since 1970, while there was no anomaly."""

    time: float
    alert: str


class AlreadyJudgedError(Exception):
    """Somebody has said something else of this anomaly before."""


class TrackRecord:
    """Counts what became of anomalies since `since` (seconds since 1970), across restarts; safe on any thread."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._misses: deque[Miss] = deque(maxlen=MAX_MISSES)

    def count_raised(self, number: int) -> None:
        """Count anomalies that begin."""
        with self._lock:
            self._counts[RAISED] += number

    def judge(self, incident: Incident, outcome: Outcome) -> None:
        """Keep what somebody says of an anomaly; raises `AlreadyJudgedError` where the opposite was said before."""
        with self._lock:
            if incident.outcome == outcome:
                return
            if incident.outcome:
                raise AlreadyJudgedError(f"it was {incident.outcome} before")
            incident.outcome = outcome
            self._counts[outcome] += 1

    def add_miss(self, miss: Miss) -> None:
        """Keep what only a rule has noticed."""
        with self._lock:
            self._counts[MISSED] += 1
            self._misses.append(miss)

    def counts(self) -> Mapping[str, int]:
        """How often each of `OUTCOMES` occurred."""
        with self._lock:
            return {outcome: self._counts[outcome] for outcome in OUTCOMES}

    def to_json(self) -> dict[str, Any]:
        """As `/api/v1/anomalies/record` shows it; a ratio is None where nothing has been judged."""
        counts = self.counts()
        confirmed = counts[CONFIRMED]
        with self._lock:
            misses = [{"time": rfc3339(miss.time), "alert": miss.alert} for miss in reversed(self._misses)]
        return {
            "since": rfc3339(self._since),
            **counts,
            "precision": _ratio(confirmed, counts[MUTED]),
            "recall": _ratio(confirmed, counts[MISSED]),
            "misses": misses,
        }

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        with self._lock:
            return {"since": self._since, "counts": dict(self._counts), "misses": [list(miss) for miss in self._misses]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Add what was counted before a restart; raises `ValueError` if `state` is damaged."""
        since, counts, misses = state.get("since"), state.get("counts"), state.get("misses")
        if not (is_finite(since) and isinstance(counts, dict) and isinstance(misses, list)):
            raise ValueError("the record of outcomes is damaged")
        if not all(name in OUTCOMES and type(number) is int and number >= 0 for name, number in counts.items()):
            raise ValueError("the counts of outcomes are damaged")
        restored = [_miss(each) for each in misses]
        rfc3339(since)
        with self._lock:
            self._since = min(self._since, since)
            self._counts.update(counts)
            self._misses.extendleft(reversed(restored))


def summary_of(record: Mapping[str, Any]) -> str:
    """What `TrackRecord.to_json` says, in one sentence."""
    text = f"{record[RAISED]} anomalies since {record['since'][:10]}"
    text += f": {record[CONFIRMED]} confirmed, {record[MUTED]} muted; {record[MISSED]} missed that a rule noticed"
    precision = record["precision"]
    return text if precision is None else f"{text}. Of those judged, {precision:.0%} were right"


def _ratio(good: int, bad: int) -> float | None:
    return good / (good + bad) if good + bad else None


def _miss(state: object) -> Miss:
    if not (isinstance(state, list) and len(state) == 2 and is_finite(state[0]) and isinstance(state[1], str)):
        raise ValueError("a missed anomaly is damaged")
    rfc3339(state[0])
    return Miss(float(state[0]), state[1])
