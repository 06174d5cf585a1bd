"""Numbers and hashes as JSON-RPC writes them: `0x` and hexadecimal digits.

https://ethereum.org/en/developers/docs/apis/json-rpc/#hex-encoding; leading zeros are taken, because nodes send them.
"""

from __future__ import annotations

import re

MAX_INTEGER = 2**53  # what a float holds exactly; a block's number, time, size or gas is far below
_QUANTITY = re.compile(r"0x[0-9a-f]{1,64}", re.IGNORECASE | re.ASCII)
_HASH = re.compile(r"0x[0-9a-f]{64}", re.IGNORECASE | re.ASCII)


def quantity(value: object) -> int:
    """A number from 0 to `MAX_INTEGER`; raises `ValueError` for anything else."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise ValueError(f"{_shown(value)} is not a quantity")
    number = int(value, 16)
    if number > MAX_INTEGER:
        raise ValueError(f"{_shown(value)} is too large")
    return number


def hash32(value: object) -> str:
    """A hash of 32 bytes, in lower case; raises `ValueError` for anything else."""
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise ValueError(f"{_shown(value)} is not a hash")
    return value.lower()


def _shown(value: object) -> str:
    """What a message may repeat of it: the start of a text, or the type."""
    return ascii(value[:20]) if isinstance(value, str) else f"a {type(value).__name__}"
