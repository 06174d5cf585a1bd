"""Lines of the plaintext protocol: https://graphite.readthedocs.io/en/latest/feeding-carbon.html."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isfinite
from weakref import WeakKeyDictionary

from collector_core import SampleBlock, Series, SeriesGroup

# What would end a line, a name or a tag, or is part of how it is escaped.
_NOT_IN_TAGS = re.compile(r"[\s;%\x00-\x1f\x7f-\x9f]|^~")
_NOT_IN_PATHS = re.compile(r"[^A-Za-z0-9_-]")


class LineEncoder:
    """Writes lines; what comes before the value is kept for each group."""

    def __init__(self, prefix: str, *, tags: bool) -> None:
        self._prefix = prefix
        self._name = _tagged if tags else _path
        self._kept: WeakKeyDictionary[SeriesGroup, Sequence[str]] = WeakKeyDictionary()

    def lines(self, block: SampleBlock) -> str:
        """A line for each sample, its time in whole seconds; infinite values have no place in Graphite."""
        names = self._kept.get(block.group)
        if names is None:
            names = [self._prefix + self._name(series) for series in block.group.series]
            self._kept[block.group] = names
        end = f" {int(block.time)}\n"
        values = zip(names, block.values, strict=True)
        return "".join([f"{name} {value!r}{end}" for name, value in values if isfinite(value)])


def _tagged(series: Series) -> str:
    return series.name + "".join(f";{name}={_escaped(_NOT_IN_TAGS, value)}" for name, value in _labels(series))


def _path(series: Series) -> str:
    return series.name + "".join(f".{name}.{_escaped(_NOT_IN_PATHS, value)}" for name, value in _labels(series))


def _labels(series: Series) -> list[tuple[str, str]]:
    return [(name, value) for name, value in sorted(series.labels.items()) if value]


def _escaped(unfit: re.Pattern[str], text: str) -> str:
    """With `%XX` for each byte of a character that does not fit."""
    return unfit.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace")), text)
