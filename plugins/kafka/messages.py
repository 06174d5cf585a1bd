"""Messages: a sample each, its series as the key, JSON as the value."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import NamedTuple
from weakref import WeakKeyDictionary

from collector_core import SampleBlock, Series, SeriesGroup


class Message(NamedTuple):
    """What the topic gets; `time` in milliseconds since 1970."""

    time: int
    key: bytes
    value: bytes


class MessageEncoder:
    """Writes the messages of blocks; what is always the same of a group is kept."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[SeriesGroup, Sequence[str]] = WeakKeyDictionary()

    def payload(self, block: SampleBlock) -> bytes:
        """Their time, then keys and values in turn, a line each; JSON has no number for what is infinite."""
        prefixes = self._kept.get(block.group)
        if prefixes is None:
            prefixes = self._kept[block.group] = list(map(_prefix, block.group.series))
        milliseconds = round(block.time * 1000)
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
        end = f',"timestamp":"{moment}"}}'
        values = zip(prefixes, block.values, strict=True)
        lines = [f"{prefix}{value!r}{end}" for prefix, value in values if isfinite(value)]
        return zlib.compress("\n".join([str(milliseconds), *lines]).encode(), 1)


def read_payload(payload: bytes) -> Iterator[Message]:
    """The messages of a payload; raises `ValueError` or `zlib.error` where it is damaged."""
    time, *lines = zlib.decompress(payload).split(b"\n")
    for key, value in zip(lines[::2], lines[1::2], strict=True):
        yield Message(int(time), key, value)


def _prefix(series: Series) -> str:
    about = {"name": series.name, "labels": dict(series.labels), "type": series.kind, "unit": str(series.unit)}
    return f'{series.text}\n{json.dumps(about, separators=(",", ":"))[:-1]},"value":'
