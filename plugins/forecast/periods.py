"""Days and months in local time, and how a duration is written."""

from __future__ import annotations

import time

HOUR, DAY = 3600, 86_400
MORNING = 8  # o'clock
Period = tuple[float, float]


def day(now: float, ahead: int = 0) -> Period:
    """From midnight to midnight of the day that is `ahead` days after the one that `now` is in, in Unix seconds."""
    local = time.localtime(now)
    return _date(local, local.tm_mday + ahead), _date(local, local.tm_mday + ahead + 1)


def month(now: float) -> Period:
    """The calendar month that `now` is in."""
    local = time.localtime(now)
    return _date(local, 1), _date(local, 1, months=1)


def duration_text(seconds: float) -> str:
    """As an option is written: `15m`, `24h`, `7d`."""
    if seconds >= 7 * DAY and seconds % DAY == 0:
        return f"{seconds / DAY:g}d"
    return f"{seconds / HOUR:g}h" if seconds % HOUR == 0 else f"{seconds / 60:g}m"


def end_of_night(now: float) -> float:
    """The next morning at eight, here."""
    local = time.localtime(now)
    ends = (_hour(local, MORNING, days) for days in (0, 1))
    return next(end for end in ends if end > now)


def _hour(local: time.struct_time, hour: int, days: int) -> float:
    return time.mktime((local.tm_year, local.tm_mon, local.tm_mday + days, hour, 0, 0, 0, 0, -1))


def local_time(when: float) -> str:
    """`Fri 17:30` for people."""
    return time.strftime("%a %H:%M", time.localtime(when))


def _date(local: time.struct_time, day_of_month: int, months: int = 0) -> float:
    return time.mktime((local.tm_year, local.tm_mon + months, day_of_month, 0, 0, 0, 0, 0, -1))
