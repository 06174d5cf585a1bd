"""Rows of the timeline: what each one says, and the key that makes it one."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collector_core import OutputSample

KEY = "key"  # in the metadata: the same whenever the same row is sent again
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `time` is when the value was read, in seconds since 1970."""

    event_type: str
    source: str
    value: float
    time: float
    metadata: Mapping[str, Any]

    def record(self) -> dict[str, Any]:
        """The row as the queue keeps it, with a key of its own."""
        metadata = {**self.metadata, KEY: uuid.uuid4().hex}
        return {
            "event_type": self.event_type,
            "source": self.source,
            "value": self.value,
            "metadata": metadata,
            "created_at": self.time,
        }


def percent(ratio: float | None, digits: int = 6) -> float | None:
    """A ratio in percent, without the noise of binary fractions."""
    return None if ratio is None else round(ratio * PERCENT, digits)


def label(sample: OutputSample, name: str) -> str:
    """A label of the sample's series, empty if it has none of that name."""
    return sample.series.labels.get(name, "")
