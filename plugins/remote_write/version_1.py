"""Remote write 1.0, https://prometheus.io/docs/specs/prw/remote_write_spec: `prometheus.WriteRequest` in snappy."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from collector_core import SampleBlock, Series, SeriesGroup
from collector_core.wire import bytes_field, compress, number_field, text_field, varint
from collector_plugins.remote_write.filling import fill, milliseconds

TAG = b"1"  # what a payload of this version begins with in the queue
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_SERIES, _LABELS, _SAMPLES = 1, 1, 2  # fields of WriteRequest and of TimeSeries
_VALUE = b"\x09"  # the key of Sample.value, before its 8 bytes
EMPTY = TAG + compress(b"")


class Encoder:
    """Writes requests; what is always the same of a group is kept."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[SeriesGroup, tuple[int, list[bytes]]] = WeakKeyDictionary()

    def request(self, block: SampleBlock) -> bytes:
        """The payload of a block."""
        time = number_field(2, milliseconds(block.time))
        size, prefixes = self._kept.get(block.group, (0, []))
        if size != len(time):
            prefixes = [_prefix(series, len(time)) for series in block.group.series]
            self._kept[block.group] = len(time), prefixes
        return TAG + compress(fill(prefixes, block, time))


def labels_of(series: Series) -> dict[str, str]:
    """All labels of a series in order, its name among them, none empty."""
    return {name: value for name, value in sorted({**series.labels, "__name__": series.name}.items()) if value}


def time_series(labels: Mapping[str, str], samples: bytes) -> bytes:
    """One series of a request, with fields `samples` that are written already."""
    return bytes_field(_SERIES, _labels(labels) + samples)


def _prefix(series: Series, time_size: int) -> bytes:
    """Everything of a series before its value."""
    sample_size = len(_VALUE) + 8 + time_size
    labels = _labels(labels_of(series))
    sample = bytes_field(_SAMPLES, bytes(sample_size))[:-sample_size] + _VALUE
    size = len(labels) + len(sample) + 8 + time_size
    return varint(_SERIES << 3 | 2) + varint(size) + labels + sample


def _labels(labels: Mapping[str, str]) -> bytes:
    return b"".join(bytes_field(_LABELS, text_field(1, name) + text_field(2, value)) for name, value in labels.items())
