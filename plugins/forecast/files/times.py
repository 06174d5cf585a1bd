"""Reads times as people write them: RFC 3339, seconds or milliseconds since 1970, and the usual dates."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from math import isfinite

MILLISECONDS_FROM = 1e11
MICROSECONDS_FROM = 1e14
NANOSECONDS_FROM = 1e17
LATEST = 253_402_300_799.0
_DATE = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T ,]+(.+))?$")
_CLOCK = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?\s*([AaPp][Mm])?$")
_ZONE = re.compile(r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$")


def day_comes_first(texts: list[str]) -> bool:
    """Whether dates such as 03/04/2024 have the day first: dots say so, and so does any first number above 12."""
    first = second = 0
    for text in texts:
        if found := _DATE.match(text.strip()):
            if "." in text[: found.end(3)]:
                return True
            first, second = max(first, int(found[1])), max(second, int(found[2]))
    return 12 < first <= 31 and second <= 12


def is_clock(text: str) -> bool:
    """Whether it is a time of day alone, such as 17:30."""
    return ":" in text and _CLOCK.match(text.strip()) is not None


def parse_time(text: str, zone: tzinfo = UTC, *, day_first: bool = False, repeated: bool = False) -> float:
    """Unix seconds; a time that names no zone is one of `zone`, and the second of its kind there if it is `repeated`.

    Raises `ValueError` for what is no time.
    """
    text = text.strip()
    try:
        return _number(float(text))
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = _written(text, day_first=day_first)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone, fold=int(repeated))
    try:
        return moment.timestamp()
    except (OverflowError, ValueError) as error:
        raise ValueError(f"{text!r} is out of range") from error


def _number(value: float) -> float:
    for limit, unit in ((NANOSECONDS_FROM, 1e9), (MICROSECONDS_FROM, 1e6), (MILLISECONDS_FROM, 1e3)):
        if abs(value) >= limit:
            value /= unit
            break
    if not isfinite(value) or not abs(value) <= LATEST:
        raise OverflowError
    return value


def _written(text: str, *, day_first: bool) -> datetime:
    found = _DATE.match(text)
    if not found:
        raise ValueError(f"{text!r} is not a time")
    first, second, third = (int(found[place]) for place in (1, 2, 3))
    if len(found[1]) == 4:
        year, month, day = first, second, third
    else:
        day, month = (first, second) if day_first else (second, first)
        year = third + 2000 if third < 100 else third
    return _with_clock(datetime(year, month, day), found[4] or "")  # noqa: DTZ001 - the caller adds the zone


def _with_clock(date: datetime, clock: str) -> datetime:
    zone = _ZONE.search(clock)
    found = _CLOCK.match(clock[: zone.start()].strip() if zone else clock.strip())
    if clock.strip() and not found:
        raise ValueError(f"{clock!r} is not a time of day")
    if found:
        hour = int(found[1])
        if found[5]:
            hour = hour % 12 + 12 * (found[5].lower() == "pm")
        fraction = int(((found[4] or "") + "000000")[:6])
        date = date.replace(hour=hour, minute=int(found[2]), second=int(found[3] or 0), microsecond=fraction)
    if zone:
        name = zone[1].upper()
        name = "+00:00" if name in {"Z", "UTC", "GMT"} else name
        date = datetime.fromisoformat(f"{date.isoformat()}{name}")
    return date
