"""Line protocol: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from weakref import WeakKeyDictionary

from collector_core import SampleBlock, Series, SeriesGroup

_IN_MEASUREMENTS = str.maketrans({",": r"\,", " ": r"\ ", "\n": r"\n", "\r": r"\r"})
_IN_TAGS = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\n", "\r": r"\r", "\t": r"\t"})
# Servers read pairs of characters: an odd number of backslashes would take the one that escapes for its own.
_BEFORE_ESCAPED = re.compile(r"\\+(?=[, =])")


class LineEncoder:
    """Writes lines; what comes before the value is kept for each group."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[SeriesGroup, Sequence[str]] = WeakKeyDictionary()

    def lines(self, block: SampleBlock) -> str:
        """A line for each sample; infinite values have no place in the protocol."""
        prefixes = self._kept.get(block.group)
        if prefixes is None:
            prefixes = self._kept[block.group] = list(map(_prefix, block.group.series))
        end = f" {round(block.time * 1000)}\n"
        values = zip(prefixes, block.values, strict=True)
        return "".join([f"{prefix}{value!r}{end}" for prefix, value in values if isfinite(value)])


def _prefix(series: Series) -> str:
    """Measurement and tags, up to the value of the field."""
    tags = ((name, _tag(value)) for name, value in sorted(series.labels.items()))
    written = "".join(f",{_tag(name)}={value}" for name, value in tags if value)
    return f"{series.name.translate(_IN_MEASUREMENTS)}{written} value="


def _tag(text: str) -> str:
    """Escaped; a backslash at the end would escape what follows, and nothing in the protocol prevents that."""
    return _BEFORE_ESCAPED.sub(r"\g<0>\g<0>", text.rstrip("\\")).translate(_IN_TAGS)
