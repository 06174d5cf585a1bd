"""Messages of a block: the bytes of each series stay the same, only values and the time are filled in."""

from __future__ import annotations

from collector_core import SampleBlock
from collector_core.wire import fill_doubles

STALE = (0x7FF0000000000002).to_bytes(8, "little")  # the NaN that says so


def fill(prefixes: list[bytes], block: SampleBlock, suffix: bytes) -> bytes:
    """All prefixes, each with its value and the suffix behind it."""
    if block.ended:
        return b"".join(prefix + STALE + suffix for prefix in prefixes)
    return fill_doubles(prefixes, block.values, suffix)


def milliseconds(seconds: float) -> int:
    """A time in seconds since 1970, as remote write counts it."""
    return round(seconds * 1000)
