"""The open interval of an output on disk, so that a kill does not cost what it has gathered."""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from collector_core.model.clock import Clock
from collector_core.model.series import Series
from collector_core.output import SampleBlock, SeriesGroup
from collector_core.outputs.sampling import SamplingWindow
from collector_core.storage.atomic_file import private_folder, write_atomically

SAVE_INTERVAL = 0.5  # seconds at least between two writes
_CHECKSUM = 4  # bytes at the start
_VALUE = 8


@dataclass(frozen=True, slots=True)
class KeptWindow:
    """What an interval had gathered; `number` is the interval's, as in `SamplingWindow`."""

    number: int
    blocks: list[SampleBlock]


class WindowFile:
    """A file that holds the samples of one interval, written whole each time. One that is damaged holds nothing.

    What would take more than `max_bytes` is not kept. Methods raise `OSError`.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._layouts: WeakKeyDictionary[SeriesGroup, bytes] = WeakKeyDictionary()

    def save(self, number: int, blocks: Sequence[SampleBlock]) -> None:
        """Keep these samples and no others."""
        layouts = [self._layout(block.group) for block in blocks]
        heads = [
            {"source": block.group.source, "time": block.time, "ended": block.ended, "layout": len(layout)}
            for block, layout in zip(blocks, layouts, strict=True)
        ]
        parts = [json.dumps({"number": number, "blocks": heads}).encode(), b"\n"]
        for block, layout in zip(blocks, layouts, strict=True):
            parts += (layout, block.values.tobytes())
        if sum(map(len, parts)) > self._max_bytes:
            self.clear()
            return
        content = b"".join(parts)
        private_folder(self._path.parent)
        write_atomically(self._path, zlib.crc32(content).to_bytes(_CHECKSUM, "big") + content)

    def load(self) -> KeptWindow | None:
        """What is kept."""
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        if zlib.crc32(content[_CHECKSUM:]).to_bytes(_CHECKSUM, "big") != content[:_CHECKSUM]:
            return None
        head, _, rest = content[_CHECKSUM:].partition(b"\n")
        said = json.loads(head)
        return KeptWindow(said["number"], list(_blocks(said["blocks"], rest)))

    def clear(self) -> None:
        """Keep nothing."""
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _layout(self, group: SeriesGroup) -> bytes:
        if group not in self._layouts:
            series = [_fields(each) for each in group.series]
            self._layouts[group] = zlib.compress(json.dumps(series).encode(), 1)
        return self._layouts[group]


class WindowKeeper:
    """Keeps in a file what the interval of a window has, at most half a second after a run has brought it."""

    def __init__(self, file: WindowFile, window: SamplingWindow, clock: Clock) -> None:
        self._file = file
        self._window = window
        self._clock = clock
        self._has_run = False  # that is not in the file
        self._saved: int | None = None  # number of the interval in the file
        self._save_at = -inf  # monotonic seconds

    def recover(self) -> list[SampleBlock]:
        """What an interval had that the window has not handed out, for a new process; it counts as handed out."""
        try:
            kept = self._file.load()
        except (OSError, ValueError):
            return []
        self._saved = None if kept is None else kept.number
        if kept is None or kept.number == self._window.closed:
            return []
        self._window.close(kept.number)
        return kept.blocks

    def note_run(self) -> None:
        """The window has heard of a run."""
        self._has_run |= self._window.interval > 0

    def save(self, *, at_once: bool = False) -> None:
        """Write the file if it is due; raises `OSError`."""
        if not self._is_behind or (self.seconds_to_wait() > 0 and not at_once):
            return
        self._save_at = self._clock.monotonic() + SAVE_INTERVAL
        blocks, number = self._window.blocks(), self._window.number
        if number is None or not blocks:
            self._file.clear()
        else:
            self._file.save(number, blocks)
        self._has_run, self._saved = False, number

    def seconds_to_wait(self) -> float:
        """Until the file is to be written; infinite if it is as it should be."""
        return max(0.0, self._save_at - self._clock.monotonic()) if self._is_behind else inf

    @property
    def _is_behind(self) -> bool:
        return self._has_run or self._saved != self._window.number


def _fields(series: Series) -> list[Any]:
    return [
        series.text,
        series.name,
        dict(series.labels),
        series.kind,
        str(series.unit),
        series.help,
        series.source,
        series.topic,
        series.of,
        series.title,
    ]


def _blocks(heads: Sequence[Mapping[str, Any]], content: bytes) -> Iterator[SampleBlock]:
    place = 0
    for head in heads:
        end = place + head["layout"]
        series = [Series(*fields) for fields in json.loads(zlib.decompress(content[place:end]))]
        place = end + _VALUE * len(series)
        values = array("d", content[end:place])
        yield SampleBlock(SeriesGroup(head["source"], series), values, head["time"], head["ended"], is_recovered=True)
