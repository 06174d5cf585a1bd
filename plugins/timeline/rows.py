"""Rows of the timeline: what each one says, and the key that makes it one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from collector_core import OutputSample

KEY = "key"  # in the metadata: the same whenever the same row is sent again
PERCENT = 100.0


class Record(NamedTuple):
    """A row as it waits to be sent: its metadata are JSON already, and `key` is that in them."""

    event_type: str
    source: str
    value: float
    metadata: str
    created_at: float
    key: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `time` is when the value was read, in seconds since 1970."""

    event_type: str
    source: str
    value: float
    time: float
    metadata: Mapping[str, Any]

    def record(self) -> Record:
        """The row as the queue keeps it, with a key of its own."""
        key = uuid.uuid4().hex
        metadata = json.dumps({**self.metadata, KEY: key})
        return Record(self.event_type, self.source, float(self.value), metadata, self.time, key)


def percent(ratio: float | None, digits: int = 6) -> float | None:
    """A ratio in percent, without the noise of binary fractions."""
    return None if ratio is None else round(ratio * PERCENT, digits)


def label(sample: OutputSample, name: str) -> str:
    """A label of the sample's series, empty if it has none of that name."""
    return sample.series.labels.get(name, "")
