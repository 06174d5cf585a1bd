"""Numbers as the cloud and the devices write them: strings, empty strings, dashes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})(e[+-]?\d{1,2})?", re.ASCII | re.IGNORECASE)

MAX_DEPTH = 8


def number(raw: object) -> float | None:
    """A finite number; None for what says nothing: "", "--", "null", true and false, not a number, infinity."""
    if isinstance(raw, str):
        text = raw.strip()
        return _finite(text) if _NUMBER.fullmatch(text) else None
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _finite(raw)
    return None


def at(values: Mapping[str, object], path: str) -> object:
    """What stands at a dotted path, e.g. `solarbank_info.total_output_power`; None where nothing does."""
    found: object = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def flat(values: Mapping[str, object], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """All that is not a mapping or list, by dotted path."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        if not isinstance(value, Mapping):
            yield path, value
        elif depth < MAX_DEPTH:
            yield from flat(value, f"{path}.", depth + 1)


def _finite(raw: str | float) -> float | None:
    try:
        value = float(raw)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None
