"""The snapshots that are kept, and for how long anomalies were seen; bounded."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, NamedTuple

from collector_core import Published, Selector

MAX_INCIDENTS = 200


class Kept(NamedTuple):
    """One snapshot as JSON, a fifth of the size of its objects, and when it was taken (seconds since 1970)."""

    time: float
    text: bytes


class History:
    """The snapshots of the last `retention` seconds of running time, at most `limit`."""

    def __init__(self, retention: float, limit: int) -> None:
        self._retention = retention
        self._kept: deque[tuple[float, Kept]] = deque(maxlen=limit)

    def add(self, snapshot: dict[str, Any], time: float, now: float) -> None:
        """Keep a snapshot; `time` in seconds since 1970, `now` in monotonic seconds."""
        while self._kept and self._kept[0][0] <= now - self._retention:
            self._kept.popleft()
        self._kept.append((now, Kept(time, json.dumps(snapshot, separators=(",", ":")).encode())))

    def all(self) -> tuple[Kept, ...]:
        """Everything that is kept, the oldest first."""
        return tuple(kept for _, kept in self._kept)


@dataclass
class Incident:
    """An anomaly as long as it was active; times in seconds since 1970.

    What is below `until` is empty where the detector says no more than that there is one.
    """

    component: str
    type: str
    severity: str
    since: float
    until: float | None = None
    id: str = ""
    series: str = ""
    value: float | None = None
    expected: float | None = None
    description: str = ""
    suggested_actions: tuple[str, ...] = ()

    def update(self, labels: Mapping[str, str]) -> None:
        """Take over what is said of it now: the severity may have risen."""
        self.severity = labels.get("severity", "")
        self.description = labels.get("description", "")
        self.value, self.expected = _number(labels.get("value", "")), _number(labels.get("expected", ""))
        self.suggested_actions = tuple(filter(None, labels.get("actions", "").split("; ")))


class Incidents:
    """Follows the anomalies that are described one by one, and those that are only counted, whoever publishes them."""

    def __init__(self) -> None:
        self._described = Selector.parse('{__topic__="incident"}')
        self._counted = Selector.parse("anomaly_active")
        self._open: dict[str, Incident] = {}
        self._all: deque[Incident] = deque(maxlen=MAX_INCIDENTS)

    def record_incidents(self, published: Sequence[Published], time: float) -> None:
        """Note which anomalies are active at `time`."""
        active = self._active(published)
        for key in [key for key in self._open if key not in active]:
            self._open.pop(key).until = time
        for key, labels in active.items():
            if key not in self._open:
                component, kind, severity, series = (
                    labels.get(name, "") for name in ("component", "type", "severity", "series")
                )
                known = Incident(component, kind, severity, since=time, id=labels.get("id", ""), series=series)
                self._open[key] = known
                self._all.append(known)
            self._open[key].update(labels)

    def rows(self) -> tuple[dict[str, Any], ...]:
        """All that are remembered, the oldest first."""
        return tuple(dict(vars(incident)) for incident in self._all)

    def _active(self, published: Sequence[Published]) -> dict[str, Mapping[str, str]]:
        """The labels of each anomaly that is active, by what tells it apart."""
        described = [series for series, _ in self._described.select(published)]
        kinds = {_kind(series.labels) for series in described}
        found = {series.labels.get("id") or series.text: series.labels for series in described}
        for series, value in self._counted.select(published):
            if value > 0 and _kind(series.labels) not in kinds:
                found[series.text] = series.labels
        return found


def _kind(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(labels.get(name, "") for name in ("component", "type", "severity"))


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) else None


def parsed(kept: Iterable[Kept]) -> list[dict[str, Any]]:
    """Snapshots as objects again."""
    return [json.loads(each.text) for each in kept]
