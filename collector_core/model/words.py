"""Words in declarations, snake_case as Prometheus writes names, and names in messages."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def is_snake_case(word: object) -> bool:
    """Whether this is text such as `volt_amperes`: lower-case words and digits joined by single underscores."""
    return isinstance(word, str) and _SNAKE_CASE.fullmatch(word) is not None


def some_of(names: Sequence[str], most: int) -> str:
    """The first names of many: `a, b and 5 more`."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
