"""For how long anomalies were seen, and what was said of them; bounded, and known after a restart."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isfinite
from typing import Any

from pydantic import FiniteFloat, TypeAdapter

from collector_core import Published, Selector

MAX_INCIDENTS = 1000


@dataclass
class Incident:
    """An anomaly as long as it was active; times in seconds since 1970.

    What is below `until` is empty where the detector says no more than that there is one.
    """

    component: str
    type: str
    severity: str
    since: FiniteFloat
    until: FiniteFloat | None = None
    id: str = ""
    series: str = ""
    value: FiniteFloat | None = None
    expected: FiniteFloat | None = None
    description: str = ""
    suggested_actions: tuple[str, ...] = ()

    def update(self, labels: Mapping[str, str]) -> None:
        """Take over what is said of it now: the severity may have risen."""
        self.until = None
        self.severity = labels.get("severity", "")
        self.description = labels.get("description", "")
        self.value, self.expected = _number(labels.get("value", "")), _number(labels.get("expected", ""))
        self.suggested_actions = tuple(filter(None, labels.get("actions", "").split("; ")))


@dataclass
class _Saved:
    at: FiniteFloat
    incidents: list[Incident]


@cache
def _saved_type() -> TypeAdapter[_Saved]:
    return TypeAdapter(_Saved)


class Incidents:
    """Follows the anomalies that are described one by one, and those that are only counted, whoever publishes them.

    `is_changed` says whether one began, ended or changed its severity since `state` was asked for.
    """

    def __init__(self) -> None:
        self._described = Selector.parse('{__topic__="incident"}')
        self._counted = Selector.parse("anomaly_active")
        self._open: dict[str, Incident] = {}
        self._all: deque[Incident] = deque(maxlen=MAX_INCIDENTS)
        self.is_changed = False

    def record_incidents(self, published: Sequence[Published], time: float) -> None:
        """Note which anomalies are active at `time`."""
        active = self._active(published)
        for key in [key for key in self._open if key not in active]:
            over = self._open.pop(key)
            over.until = over.until or time
            self.is_changed = True
        for key, labels in active.items():
            if key not in self._open:
                component, kind, series = (labels.get(name, "") for name in ("component", "type", "series"))
                known = Incident(component, kind, "", since=time, id=labels.get("id", ""), series=series)
                self._open[key] = known
                self._all.append(known)
            self.is_changed |= self._open[key].severity != labels.get("severity", "")
            self._open[key].update(labels)

    def state(self, time: float) -> str:
        """What `restore` takes."""
        self.is_changed = False
        return json.dumps({"at": time, "incidents": self.rows()})

    def restore(self, state: bytes) -> None:
        """Take over what was seen before; what had not ended then has ended at that time, unless it goes on now.

        Raises `ValueError` where the state is damaged.
        """
        saved = _saved_type().validate_json(state)
        found = saved.incidents[-MAX_INCIDENTS:]
        self._all.extend(found)
        for incident in found:
            if incident.until is None:
                incident.until = max(saved.at, incident.since)
                self._open[incident.id] = incident

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
