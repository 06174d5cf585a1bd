"""Durations as people write them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def seconds(value: object) -> float:
    """A duration as people write it (`500ms`, `5s`, `2m`, `1h`, `1d`, or a number of seconds) in seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("a duration is a number with a unit: 500ms, 5s, 2m, 1h")
    return float(match[1]) * _SECONDS[match[2]]


Duration = Annotated[float, BeforeValidator(seconds), Field(ge=0.01, le=86400, allow_inf_nan=False)]
"""The type of an option that is a duration: 0.01 to 86400 seconds, written as `500ms`, `5s`, `2m`, `1h` or a number."""
