"""Messages of a block: the bytes of each series stay the same, only values and the time are filled in."""

from __future__ import annotations

import sys
from operator import add

from collector_core import SampleBlock

STALE = (0x7FF0000000000002).to_bytes(8, "little")  # the NaN that says so


def fill(prefixes: list[bytes], block: SampleBlock, suffix: bytes) -> bytes:
    """All prefixes, each with its value and the suffix behind it."""
    if block.ended:
        filled = [prefix + STALE for prefix in prefixes]
    else:
        values = block.values
        if sys.byteorder == "big":
            values = values[:]
            values.byteswap()
        raw = values.tobytes()
        filled = list(map(add, prefixes, [raw[place : place + 8] for place in range(0, len(raw), 8)]))
    return suffix.join([*filled, b""])


def milliseconds(seconds: float) -> int:
    """A time in seconds since 1970, as remote write counts it."""
    return round(seconds * 1000)
