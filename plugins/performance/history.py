"""The snapshots that are kept, and for how long anomalies were seen; bounded."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
    """An anomaly as long as it was active; times in seconds since 1970."""

    component: str
    type: str
    severity: str
    since: float
    until: float | None = None


class Incidents:
    """Follows `anomaly_active`, whoever publishes it."""

    def __init__(self) -> None:
        self._selector = Selector.parse("anomaly_active")
        self._open: dict[str, Incident] = {}
        self._all: deque[Incident] = deque(maxlen=MAX_INCIDENTS)

    def record_incidents(self, published: Sequence[Published], time: float) -> None:
        """Note which anomalies are active at `time`."""
        active = {series.text: series.labels for series, value in self._selector.select(published) if value > 0}
        for text in [text for text in self._open if text not in active]:
            self._open.pop(text).until = time
        for text, labels in active.items():
            if text not in self._open:
                component, kind, severity = (labels.get(name, "") for name in ("component", "type", "severity"))
                self._open[text] = Incident(component, kind, severity, since=time)
                self._all.append(self._open[text])

    def rows(self) -> tuple[dict[str, Any], ...]:
        """All that are remembered, the oldest first."""
        return tuple(dict(vars(incident)) for incident in self._all)


def parsed(kept: Iterable[Kept]) -> list[dict[str, Any]]:
    """Snapshots as objects again."""
    return [json.loads(each.text) for each in kept]
