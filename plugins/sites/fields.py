"""The types of what is sent: texts, numbers and times, each with the range that is physically possible."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from collector_core import Field

MAX_WATTS = 1e15  # more than mankind uses
SHARES_TOLERANCE = 1e-3
_MILLISECONDS_FROM = 1e11  # seconds since 1970 reach this in the year 5138
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_TIME_SCHEMA = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "number", "minimum": 0}]}


def parse_moment(value: object) -> int:
    """RFC 3339 with a zone, or seconds since 1970, in milliseconds; raises `ValueError` for anything else."""
    if isinstance(value, str):
        return _parse_rfc3339(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError("must be RFC 3339 with a zone, or seconds since 1970")
    if value >= _MILLISECONDS_FROM:
        raise ValueError("is too large for seconds since 1970; are these milliseconds?")
    return round(value * 1000)


def _parse_rfc3339(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError("must be RFC 3339 with a zone, such as 2026-05-01T00:00:00Z")
    day, clock, fraction, zone = match.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        whole = datetime.fromisoformat(f"{day}T{clock}{offset}").timestamp()
    except (ValueError, OverflowError):
        raise ValueError("is not a date that exists") from None
    if whole < 0:
        raise ValueError("must not be before 1970")
    return round(whole) * 1000 + round(float(fraction or 0) * 1000)


def rfc3339(moment: int) -> str:
    """Milliseconds since 1970 as RFC 3339 in UTC, with a fraction only where there is one."""
    whole, rest = divmod(moment, 1000)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03d}Z" if rest else f"{text}Z"


def parse_query_moment(text: object) -> int:
    """As `parse_moment`, for a query string, where a `+` may have become a blank."""
    written = str(text).strip()
    try:
        return parse_moment(float(written))
    except ValueError as error:
        if re.fullmatch(r"[\d.eE+-]+|nan|inf.*", written, re.IGNORECASE) and "T" not in written:
            raise ValueError(str(error) if "milliseconds" in str(error) else "is not a time") from None
    return parse_moment(re.sub(r" (\d\d:\d\d)$", r"+\1", written))


def known_shares(shares: dict[str, float]) -> dict[str, float]:
    """Shares that add up to 1; raises `ValueError` otherwise."""
    if abs(sum(shares.values()) - 1) > SHARES_TOLERANCE:
        raise ValueError(f"the shares must add up to 1, not {sum(shares.values()):g}")
    return shares


def _number(description: str, *, ge: float, le: float) -> Any:
    return Field(description=description, strict=True, allow_inf_nan=False, ge=ge, le=le)


Moment = Annotated[
    int, BeforeValidator(parse_moment), PlainSerializer(rfc3339, when_used="json"), WithJsonSchema(_TIME_SCHEMA)
]
"""A moment that is sent: RFC 3339 with a zone, or seconds since 1970; milliseconds within."""

QueryMoment = Annotated[
    int, BeforeValidator(parse_query_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
"""A moment in a query string."""

Text = Annotated[str, Field(strict=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""1 to 200 letters without control characters."""

Watts = Annotated[float, _number("Watts.", ge=0, le=MAX_WATTS)]
KilowattHours = Annotated[float, _number("Kilowatt hours.", ge=0, le=1e15)]
TerahashesPerSecond = Annotated[float, _number("Terahashes per second.", ge=0, le=1e12)]
Price = Annotated[float, _number("Price of a kilowatt hour; negative where one is paid to use it.", ge=-1e6, le=1e6)]
HashPrice = Annotated[float, _number("What a TH/s earns in a day.", ge=0, le=1e6)]
GramsPerKilowattHour = Annotated[float, _number("Grams of CO2 equivalent per kWh.", ge=0, le=10_000)]
Share = Annotated[float, _number("Share, 0 to 1.", ge=0, le=1)]
Shares = Annotated[dict[Text, Share], Field(min_length=1, max_length=50), AfterValidator(known_shares)]
Seconds = Annotated[float, _number("Seconds, at most a day.", ge=0.001, le=86_400)]
Hertz = Annotated[float, _number("Hertz.", ge=0, le=1000)]
Volts = Annotated[float, _number("Volts.", ge=0, le=1e7)]
Celsius = Annotated[float, _number("Degrees Celsius.", ge=-273.15, le=5000)]
Latitude = Annotated[float, _number("Degrees north.", ge=-90, le=90)]
Longitude = Annotated[float, _number("Degrees east.", ge=-180, le=180)]
Pue = Annotated[float, _number("Power usage effectiveness: the building's energy per metered energy.", ge=1, le=10)]
