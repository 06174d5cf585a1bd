"""An alert: which rule holds for which series, since when, how severe it is, and what to do about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

ALERTNAME = "alertname"
SEVERITY = "severity"
INSTANCE = "instance"


class Severity(StrEnum):
    """How severe an alert is, in ascending order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least severe, higher for the more severe."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; times are in seconds since 1970, and `ends_at` is None while the alert fires.

    `labels` identify the alert and include `alertname`, `severity` and `instance`. `value` is that of the series, None
    if the alert is about a missing series. A `flapping` alert is sent once, then not again until it has calmed down.
    """

    id: str
    labels: Mapping[str, str]
    starts_at: float
    summary: str
    description: str = ""
    fix: str = ""
    value: float | None = None
    ends_at: float | None = None
    flapping: bool = False

    @property
    def name(self) -> str:
        """The name of its rule."""
        return self.labels.get(ALERTNAME, "")

    @property
    def severity(self) -> Severity:
        """The severity of its rule; `info` if the label holds no known severity."""
        label = self.labels.get(SEVERITY, "")
        return Severity(label) if label in set(Severity) else Severity.INFO

    @property
    def is_resolved(self) -> bool:
        """Whether it is over."""
        return self.ends_at is not None


def fingerprint(labels: Mapping[str, str]) -> str:
    """16 hexadecimal digits that identify a set of labels, the same in every process."""
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]


def format_rfc3339(seconds: float) -> str:
    """Seconds since 1970 as `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
