"""Anomalies as they are kept and told: bounded, the newest last."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

MAX_RELATED = 20
MAX_SEVERITY = 5
Kind = tuple[str, str, str]


@dataclass
class Record:
    """One anomaly, which began with `series`; times in seconds since 1970, `ended` None while it goes on."""

    time: float
    type: str
    severity: int
    component: str
    series: str
    description: str
    score: float
    value: float | None = None
    expected: float | None = None
    related: list[str] = field(default_factory=list)
    actions: tuple[str, ...] = ()
    ended: float | None = None

    @property
    def id(self) -> str:
        """The same for the same anomaly, also after a restart."""
        return sha256(f"{self.time:.3f} {self.type} {self.series}".encode()).hexdigest()[:16]

    @property
    def kind(self) -> Kind:
        """The labels of its metrics: component, type, severity."""
        return self.component, self.type, str(self.severity)

    def relate(self, series: Iterable[str]) -> None:
        """More series that were odd with it."""
        for text in series:
            if text != self.series and text not in self.related and len(self.related) < MAX_RELATED:
                self.related.append(text)

    def data(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "id": self.id,
            "time": _iso(self.time),
            "ended": None if self.ended is None else _iso(self.ended),
            "type": self.type,
            "severity": self.severity,
            "component": self.component,
            "description": self.description,
            "series": self.series,
            "value": self.value,
            "expected": self.expected,
            "score": self.score,
            "related_series": list(self.related),
            "suggested_actions": list(self.actions),
        }


class Records:
    """The last anomalies, how many of each kind go on, and how many there were since the start."""

    def __init__(self, limit: int) -> None:
        self._kept: deque[Record] = deque(maxlen=limit)
        self.detected: Counter[Kind] = Counter()

    def add(self, record: Record) -> None:
        """An anomaly has begun."""
        self._kept.append(record)
        self.detected[record.kind] += 1

    def restore(self, records: Iterable[Record]) -> None:
        """Those of before a restart; none of them goes on."""
        self._kept.extendleft(reversed(list(records)))

    def newest_first(self) -> list[Record]:
        """All that are kept."""
        return list(reversed(self._kept))


def as_saved(record: Record) -> dict[str, Any]:
    """What `from_saved` takes."""
    return {**vars(record), "actions": list(record.actions)}


def from_saved(state: Mapping[str, Any], now: float) -> Record:
    """A record as it was saved; one that went on then is taken to have ended by `now`. Raises `ValueError`."""
    try:
        record = Record(**state)
        record.actions = tuple(record.actions)
        record.ended = now if record.ended is None else record.ended
        record.data()
    except (TypeError, AttributeError, OverflowError, OSError) as error:
        raise ValueError(f"a record is damaged: {error}") from error
    return record


def severity_of(size: float, related: int, floor: int = 2) -> int:
    """From 1 (slight) to 5 (grave): by the size, in robust scales, and by how many series are odd at once."""
    grade = floor + (size >= 10) + (size >= 30) + (related >= 2)
    return max(1, min(MAX_SEVERITY, grade - (size < 4 and related == 0)))


def _iso(when: float) -> str:
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
