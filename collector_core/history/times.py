"""Times and durations as requests and commands write them; within the history they are milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from math import isfinite

from collector_core.options import parse_duration

LATEST = 253_402_300_800_000  # the year 10000


def parse_time(text: str) -> int:
    """Unix seconds or RFC 3339 (UTC where it names no zone); raises `ValueError` for anything else."""
    try:
        found = float(text)
    except ValueError:
        found = _parse_date(text)
    if not (isfinite(found) and 0 <= found * 1000 < LATEST):
        raise ValueError("must be a time from 1970 to 9999: Unix seconds, or RFC 3339 such as 2026-05-01T00:00:00Z")
    return round(found * 1000)


def parse_step(text: str) -> int:
    """A duration (`5m`) or seconds, from a millisecond to a year; raises `ValueError` for anything else."""
    found = parse_duration(text)
    if not (isfinite(found) and 0.001 <= found <= 366 * 86_400):
        raise ValueError("must be a duration from 1ms to 366d, such as 1m or 3600")
    return round(found * 1000)


def in_seconds(time: int) -> float:
    """Unix seconds, whole ones without a point."""
    whole, rest = divmod(time, 1000)
    return time / 1000 if rest else whole


def all_in_seconds(times: Iterable[int]) -> list[float]:
    """The same of many times."""
    return [time / 1000 if time % 1000 else time // 1000 for time in times]


def _parse_date(text: str) -> float:
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise ValueError("must be Unix seconds, or RFC 3339 such as 2026-05-01T00:00:00Z") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
