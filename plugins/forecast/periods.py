"""Days and months in a zone, that of the machine where none is given, and how a duration is written."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

HOUR, DAY = 3600, 86_400
MORNING = 8  # o'clock
SATURDAY = 5  # as `weekday()` counts
Period = tuple[float, float]


def day(now: float, zone: tzinfo | None = None, *, ahead: int = 0) -> Period:
    """From midnight to midnight of the day that is `ahead` days after the one that `now` is in, in Unix seconds."""
    today = datetime_of(now, zone).date() + timedelta(ahead)
    return _midnight(today, zone), _midnight(today + timedelta(1), zone)


def month(now: float, zone: tzinfo | None = None) -> Period:
    """The calendar month that `now` is in."""
    first = datetime_of(now, zone).date().replace(day=1)
    return _midnight(first, zone), _midnight((first + timedelta(31)).replace(day=1), zone)


def duration_text(seconds: float) -> str:
    """As an option is written: `15m`, `24h`, `7d`."""
    if seconds >= 7 * DAY and seconds % DAY == 0:
        return f"{seconds / DAY:g}d"
    return f"{seconds / HOUR:g}h" if seconds % HOUR == 0 else f"{seconds / 60:g}m"


def end_of_night(now: float, zone: tzinfo | None = None) -> float:
    """The next morning at eight."""
    today = datetime_of(now, zone).date()
    mornings = (datetime.combine(today + timedelta(days), time(MORNING), zone).timestamp() for days in (0, 1))
    return next(morning for morning in mornings if morning > now)


def local_time(when: float, zone: tzinfo | None = None) -> str:
    """`Fri 17:30` for people."""
    return datetime_of(when, zone).strftime("%a %H:%M")


def datetime_of(when: float, zone: tzinfo | None) -> datetime:
    """Unix seconds as date and time of a zone, that of the machine where it is None."""
    return datetime.fromtimestamp(when, UTC).astimezone(zone)


def utc_offset(when: float, zone: tzinfo | None) -> float:
    """Seconds by which the clock of a zone is ahead of UTC."""
    offset = datetime_of(when, zone).utcoffset()
    return offset.total_seconds() if offset else 0.0


def _midnight(day: date, zone: tzinfo | None) -> float:
    return datetime.combine(day, time(), zone).timestamp()
