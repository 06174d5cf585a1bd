"""One anomaly as it is kept, served and saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, TypeAdapter

from collector_plugins.anomaly.incidents.severity import MAX_SEVERITY

MAX_RELATED = 20
Outcome = Literal["confirmed", "muted"]
CONFIRMED: Outcome = "confirmed"
MUTED: Outcome = "muted"
Kind = tuple[str, str, str]


@dataclass
class Incident:
    """One anomaly, which began with `series`; times in seconds since 1970, `ended` None while it lasts.

    `severity` is 1 (minor) to 5 (critical), `score` 0 to 1; `value` and `expected` are in the unit of the series.
    `outcome` is what somebody has said of it, empty as long as nobody has.
    """

    time: FiniteFloat
    type: str
    severity: Annotated[int, Field(ge=1, le=MAX_SEVERITY)]
    component: str
    series: str
    description: str
    score: FiniteFloat
    value: FiniteFloat | None = None
    expected: FiniteFloat | None = None
    related: list[str] = field(default_factory=list)
    actions: tuple[str, ...] = ()
    ended: FiniteFloat | None = None
    outcome: Outcome | Literal[""] = ""

    @property
    def id(self) -> str:
        """The same for the same anomaly, also after a restart."""
        return sha256(f"{self.time:.3f} {self.type} {self.series}".encode()).hexdigest()[:16]

    @property
    def kind(self) -> Kind:
        """The labels of its metrics: component, type, severity."""
        return self.component, self.type, str(self.severity)

    def labels(self) -> dict[str, str]:
        """As the labels of a metric."""
        component, anomaly_type, severity = self.kind
        numbers = {"value": self.value, "expected": self.expected}
        return {
            "id": self.id,
            "component": component,
            "type": anomaly_type,
            "severity": severity,
            "series": self.series,
            "description": self.description,
            "actions": "; ".join(self.actions),
            **{name: "" if number is None else f"{number:.6g}" for name, number in numbers.items()},
        }

    def add_related(self, series: Iterable[str]) -> None:
        """Name more series that were unusual with it, up to 20."""
        for text in series:
            if text != self.series and text not in self.related and len(self.related) < MAX_RELATED:
                self.related.append(text)

    def to_json(self) -> dict[str, Any]:
        """As `/api/v1/anomalies` shows it."""
        return {
            "id": self.id,
            "time": rfc3339(self.time),
            "ended": None if self.ended is None else rfc3339(self.ended),
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
            "outcome": self.outcome or None,
        }

    def state(self) -> dict[str, Any]:
        """What `restore` takes."""
        return {**vars(self), "actions": list(self.actions)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Incident:
        """An incident as it was saved; raises `ValueError`."""
        incident = _adapter().validate_python(state)
        try:
            incident.to_json()
        except (OverflowError, OSError) as error:
            raise ValueError(f"a saved incident is damaged: {error}") from error
        return incident


@cache
def _adapter() -> TypeAdapter[Incident]:
    return TypeAdapter(Incident)


def rfc3339(when: float) -> str:
    """Seconds since 1970 as text; raises `ValueError`, `OverflowError` or `OSError` far outside the calendar."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
