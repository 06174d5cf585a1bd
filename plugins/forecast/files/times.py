"""Reads times as people write them: RFC 3339, seconds or milliseconds since 1970, and the usual dates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from math import inf

MILLISECONDS_FROM = 1e11
MICROSECONDS_FROM = 1e14
NANOSECONDS_FROM = 1e17
EARLIEST, LATEST = -3e10, 2.2e11
"""Years 1019 to 8941: a horizon has room after them, and a zone before."""
_DATE = re.compile(r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T ,]+(.+))?$")
_COMPACT = re.compile(r"((?:19[7-9]|20\d)\d)(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?")
_CLOCK = re.compile(r"(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d+))?)?\s*([AaPp][Mm])?$")
_ZONE = re.compile(r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)$")
MIDNIGHT = 24  # o'clock, of the day before


class Times:
    """Reads the times of one column in their order; one that names no zone is one of `zone`.

    A time of the hour that the clock repeats is one of the repetition when it comes for the second time.
    """

    def __init__(self, zone: tzinfo = UTC, *, day_first: bool = False) -> None:
        self._zone = zone
        self._day_first = day_first
        self._seen = set[datetime]()

    def read(self, text: str) -> float:
        """Unix seconds; raises `ValueError` for what is no time, and one that is out of range."""
        text = text.strip()
        try:
            seconds = self._seconds(text)
        except OverflowError:
            seconds = inf
        if not EARLIEST <= seconds <= LATEST:
            raise ValueError(f"{text[:40]!r} is out of range")
        return seconds

    def _seconds(self, text: str) -> float:
        moment = _compact(text)
        if moment is None:
            try:
                return _number(float(text))
            except ValueError:
                moment = _moment(text, day_first=self._day_first)
        return (self._local(moment) if moment.tzinfo is None else moment).timestamp()

    def _local(self, moment: datetime) -> datetime:
        first = moment.replace(tzinfo=self._zone)
        if self._zone is UTC:
            return first
        again = first.replace(fold=1)
        before, after = first.utcoffset(), again.utcoffset()
        if before is None or after is None or before <= after:
            return first
        is_repeated = moment in self._seen
        self._seen.add(moment)
        return again if is_repeated else first


def parse_time(text: str, zone: tzinfo = UTC, *, day_first: bool = False) -> float:
    """One time alone, as `Times` reads it."""
    return Times(zone, day_first=day_first).read(text)


def is_time(text: str) -> bool:
    """Whether it is a time, with the day or the month first."""
    for day_first in (False, True):
        try:
            parse_time(text, day_first=day_first)
        except ValueError:
            continue
        return True
    return False


def has_short_date(text: str) -> bool:
    """Whether it is a date such as 03/04/2024, where either may be the day."""
    found = _DATE.match(text)
    return found is not None and len(found[1]) < len("2024")


def day_comes_first(texts: Iterable[str]) -> bool:
    """Whether dates such as 03/04/2024 have the day first: dots say so, and so does any first number above 12."""
    first = second = 0
    for text in texts:
        if found := _DATE.match(text):
            if "." in text[: found.end(3)]:
                return True
            first, second = max(first, int(found[1])), max(second, int(found[2]))
    return 12 < first <= 31 and second <= 12


def is_clock(text: str) -> bool:
    """Whether it is a time of day alone, such as 17:30."""
    return ":" in text and _CLOCK.match(text) is not None


def _number(value: float) -> float:
    """Seconds, of a number of seconds or of parts of them."""
    units = ((NANOSECONDS_FROM, 1e9), (MICROSECONDS_FROM, 1e6), (MILLISECONDS_FROM, 1e3))
    return value / next((unit for limit, unit in units if abs(value) >= limit), 1.0)


def _compact(text: str) -> datetime | None:
    """A date, with the time or without, in digits alone: 20240131, 202401312359."""
    found = _COMPACT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups("0"))
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the caller adds the zone
    except ValueError:
        return None


def _moment(text: str, *, day_first: bool) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _written(text, day_first=day_first)


def _written(text: str, *, day_first: bool) -> datetime:
    found = _DATE.match(text)
    if not found:
        raise ValueError(f"{text[:40]!r} is not a time")
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
        raise ValueError(f"{clock[:40]!r} is not a time of day")
    if found:
        hour = int(found[1])
        if found[5]:
            hour = hour % 12 + 12 * (found[5].lower() == "pm")
        if hour == MIDNIGHT and not int(found[2]):
            date, hour = date + timedelta(days=1), 0
        fraction = int(((found[4] or "") + "000000")[:6])
        date = date.replace(hour=hour, minute=int(found[2]), second=int(found[3] or 0), microsecond=fraction)
    if zone:
        name = zone[1].upper()
        name = "+00:00" if name in {"Z", "UTC", "GMT"} else name
        date = datetime.fromisoformat(f"{date.isoformat()}{name}")
    return date
