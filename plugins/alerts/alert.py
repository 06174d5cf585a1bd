"""What an alert is: a rule that holds for a series, since when, how bad, and what to do about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

NAME = "alertname"
SEVERITY = "severity"
INSTANCE = "instance"


class Severity(StrEnum):
    """How bad it is, from the least to the worst."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """A number that is larger the worse it is."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert; times are seconds since 1970, `ends_at` is None while it fires.

    `labels` are all that tell it from others, with `alertname`, `severity` and `instance`; `value` is that of the
    series, None where the alert is for a series that is missing. While it is `flapping` it is told once and then not
    until it has calmed down.
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
        """The rule's."""
        return self.labels.get(NAME, "")

    @property
    def severity(self) -> Severity:
        """The rule's; `info` where a state that was damaged says nothing sensible."""
        given = self.labels.get(SEVERITY, "")
        return Severity(given) if given in set(Severity) else Severity.INFO


def identity(labels: Mapping[str, str]) -> str:
    """The same 16 hexadecimal digits for the same labels, in this process and any other."""
    return hashlib.sha256(json.dumps(sorted(labels.items())).encode()).hexdigest()[:16]


def rfc3339(seconds: float) -> str:
    """A time since 1970 as `2026-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
