"""The labelled time series of the benchmark, read from a folder beside the project."""

from __future__ import annotations

import csv
import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "nab"
PROBATION_SHARE = 0.15
PROBATION_ROWS = 750  # at most
FIRST_ROWS = 10  # tell the interval of a file


@dataclass(frozen=True)
class Window:
    """Rows `first` to `last`, both within, in which an anomaly counts as found."""

    first: int
    last: int

    @property
    def width(self) -> int:
        """How many rows it has."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Recording:
    """One file: `times` in seconds since 1970, as many `values`, and the windows of its anomalies in order."""

    name: str
    times: Sequence[float]
    values: Sequence[float]
    windows: Sequence[Window]

    @property
    def probation(self) -> int:
        """How many rows at its start are not scored."""
        return min(int(PROBATION_SHARE * len(self.values)), PROBATION_ROWS)

    @property
    def row_seconds(self) -> float:
        """The usual distance of its first rows: what an operator configures, not what the whole file has."""
        first = self.times[: FIRST_ROWS + 1]
        return median(later - earlier for earlier, later in pairwise(first))

    @property
    def for_tuning(self) -> bool:
        """Whether it belongs to the half that settings may be chosen on; told by its name alone."""
        return hashlib.sha256(self.name.encode()).digest()[0] % 2 == 0


def read(folder: Path = FOLDER) -> list[Recording]:
    """All recordings below `folder`, sorted by name; raises `FileNotFoundError` where the benchmark is not."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    return [_recording(folder / "data" / name, name, labels[name]) for name in sorted(labels)]


def _recording(path: Path, name: str, limits: Sequence[tuple[str, str]]) -> Recording:
    with path.open(newline="") as file:
        rows = [(_seconds(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
    times = [when for when, _ in rows]
    windows = [
        Window(bisect_left(times, _seconds(first)), bisect_right(times, _seconds(last)) - 1) for first, last in limits
    ]
    return Recording(name, times, [value for _, value in rows], windows)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
