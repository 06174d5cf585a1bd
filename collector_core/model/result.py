"""How a run can end."""

from __future__ import annotations

from enum import StrEnum


class Result(StrEnum):
    """How a run ended."""

    OK = "ok"
    PARTIAL = "partial"
    ERROR = "error"
    UNAVAILABLE = "unavailable"
    AUTH_FAILED = "auth_failed"
    TIMEOUT = "timeout"

    @property
    def has_data(self) -> bool:
        """Whether the run produced readings."""
        return self in (Result.OK, Result.PARTIAL)
