"""Numbers, hashes and times as JSON-RPC writes them: `0x` and hexadecimal digits.

https://ethereum.org/en/developers/docs/apis/json-rpc/#hex-encoding; leading zeros and plain JSON numbers are taken,
because nodes send them.
"""

from __future__ import annotations

import re

MAX_INTEGER = 2**53  # what a float holds exactly; a block's number, time, size or gas is far below
LATEST_SECOND = 10**11  # the year 5138: a larger number of a time is in a finer unit
TIME_UNITS = (1, 10**3, 10**6, 10**9)  # per second
_QUANTITY = re.compile(r"0x[0-9a-f]{1,64}", re.IGNORECASE | re.ASCII)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE | re.ASCII)


def quantity(value: object, most: int = MAX_INTEGER) -> int:
    """A whole number from 0 to `most`; raises `ValueError` for anything else."""
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        number = int(value, 16)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1 >= 0:
        number = int(value)
    else:
        raise ValueError(f"{_shown(value)} is not a quantity")
    if number > most:
        raise ValueError(f"{_shown(value)} is too large")
    return number


def unix_time(value: object) -> float:
    """Seconds since 1970 of a time in seconds, milli-, micro- or nanoseconds, told apart by its size.

    Raises `ValueError` for anything else.
    """
    most = LATEST_SECOND * TIME_UNITS[-1] - 1
    number = value if isinstance(value, float) and 0 <= value <= most else quantity(value, most)
    return number / next(unit for unit in TIME_UNITS if number < LATEST_SECOND * unit)


def hash32(value: object) -> str:
    """A hash of 32 bytes, in lower case; raises `ValueError` for anything else."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError(f"{_shown(value)} is not a hash")
    return value.lower()


def _shown(value: object) -> str:
    """What a message may repeat of it: the start of a text, or the type."""
    return ascii(value[:20]) if isinstance(value, str) else f"a {type(value).__name__}"
