"""The optional compiled part: which path runs, the compiled one or the one in Python, and why.

What `FUNCTIONS` names is a function of `native`, or None where Python runs; both give the same bytes and numbers.
"""

from __future__ import annotations

import os

SWITCH = "ENERGY_COLLECTOR_SPEED"
FUNCTIONS = ("put_rows", "read_process_stats", "read_words", "write_blocks")
VERSION = 5  # of what module.cpp offers: a module that was compiled from another one is left alone

_FIX_COMPILER = "install g++ and Python's headers (python3-dev), then energy-collector again"
_FIX_OLD = "install energy-collector again, in a checkout with pip install -e ."


def _problem() -> tuple[str, str]:
    """Why Python runs, and what changes that; both empty where the compiled part does."""
    if os.environ.get(SWITCH, "").lower() == "off":
        return f"switched off by {SWITCH}", f"unset {SWITCH}"
    try:
        from collector_core._speed import native  # noqa: PLC0415 - it may be missing
    except ImportError as error:
        return f"no compiled part: {error}", _FIX_COMPILER
    if native.VERSION != VERSION:
        return f"the compiled part is of version {native.VERSION}, version {VERSION} is needed", _FIX_OLD
    return "", ""


problem, fix = _problem()
if not problem:
    from collector_core._speed import native

put_rows = None if problem else native.put_rows
read_process_stats = None if problem else native.read_process_stats
read_words = None if problem else native.read_words
write_blocks = None if problem else native.write_blocks
