"""Durations as people write them on a command line."""

from __future__ import annotations

import re

LONGEST = 10 * 366 * 86_400.0
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_WRITTEN = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([a-z]*)")


def parse_duration(text: str) -> float:
    """Seconds of e.g. `90s`, `15m`, `24h`, `7d` or `2w`; raises `ValueError` for all else, 0, and above ten years."""
    found = _WRITTEN.fullmatch(text.strip())
    if not found or found[2] not in _UNITS:
        raise ValueError(f"{text[:40]!r} is not a duration such as 15m, 24h or 7d")
    seconds = float(found[1]) * _UNITS[found[2]]
    if not 0 < seconds <= LONGEST:
        raise ValueError(f"{text[:40]!r} is not a duration between 1ms and ten years")
    return seconds
