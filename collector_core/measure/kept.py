"""A measurement as it was kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KeptMeasurement:
    """A measurement as it was kept: `result` is what `Measurement.to_dict` gave; `started_at` in seconds since 1970."""

    id: int
    started_at: float
    label: str
    command: str | None
    exit_code: int | None
    result: dict[str, Any]

    def figure(self, name: str) -> float | None:
        """A number of the result, None where it is not known."""
        value = self.result.get(name)
        return float(value) if isinstance(value, int | float) else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data, fit for JSON; what is not known is not in it."""
        own = {"id": self.id, "command": self.command, "exit_code": self.exit_code}
        return {**{key: value for key, value in own.items() if value is not None}, **self.result}
