"""Remote write 2.0: `io.prometheus.write.v2.Request`, which also says types, units, help and the start of counters.

https://prometheus.io/docs/specs/prw/remote_write_spec_2_0
"""

from __future__ import annotations

from collections.abc import Iterator
from weakref import WeakKeyDictionary

import psutil

from collector_core import SampleBlock, Series, SeriesGroup
from collector_core.wire import (
    as_bytes,
    bytes_field,
    compress,
    decompress,
    number_field,
    read_fields,
    read_varint,
    text_field,
    varint,
)
from collector_plugins.remote_write import version_1
from collector_plugins.remote_write.filling import fill, milliseconds

TAG = b"2"
HEADERS = {
    "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "2.0.0",
}
WRITTEN = "x-prometheus-remote-write-samples-written"  # what a receiver that knows this version answers
MAX_BYTES = 1 << 28
_HEAD = len(TAG) + 4  # the number of samples stands behind the tag

_SYMBOLS, _SERIES = 4, 5  # fields of Request
_LABELS, _SAMPLES, _METADATA, _CREATED = 1, 2, 5, 6  # of TimeSeries
_START = 3  # of Sample: what later drafts have in the place of _CREATED
_VALUE = b"\x09"
_COUNTER = 1
_TYPES = {"counter": _COUNTER, "gauge": 2, "histogram": 3, "gaugehistogram": 4, "summary": 5, "info": 6, "stateset": 7}


def process_start() -> float:
    """When this process began, and with it all its counters, in seconds since 1970."""
    return psutil.Process().create_time()


class _Symbols:
    """The texts of a request, each once; the first is empty."""

    def __init__(self) -> None:
        self._places = {"": 0}

    def place(self, text: str) -> int:
        return self._places.setdefault(text, len(self._places))

    def field(self) -> bytes:
        return b"".join(text_field(_SYMBOLS, text) for text in self._places)


class Encoder:
    """Writes requests; what is always the same of a group is kept."""

    def __init__(self, start: float) -> None:
        self._start = milliseconds(start)
        self._kept: WeakKeyDictionary[SeriesGroup, tuple[int, bytes, list[bytes]]] = WeakKeyDictionary()

    def request(self, block: SampleBlock) -> bytes:
        """The payload of a block."""
        time = number_field(2, milliseconds(block.time))
        size, symbols, prefixes = self._kept.get(block.group, (0, b"", []))
        if size != len(time):
            table = _Symbols()
            start = None if block.is_recovered else self._start
            prefixes = [self._prefix(series, table, len(time), start) for series in block.group.series]
            symbols = table.field()
            self._kept[block.group] = len(time), symbols, prefixes
        count = len(prefixes).to_bytes(_HEAD - len(TAG), "big")
        return TAG + count + compress(symbols + fill(prefixes, block, time))

    def _prefix(self, series: Series, symbols: _Symbols, time_size: int, began: int | None) -> bytes:
        """Everything of a series before the value of its sample."""
        places = [symbols.place(text) for pair in version_1.labels_of(series).items() for text in pair]
        labels = bytes_field(_LABELS, b"".join(map(varint, places)))
        kind = _TYPES.get(series.kind, 0)
        metadata = number_field(1, kind) + number_field(3, symbols.place(series.help))
        metadata += number_field(4, symbols.place(series.unit))
        created = start = b""
        if series.is_counter and began is not None:
            created, start = number_field(_CREATED, began), number_field(_START, began)
        sample_size = len(start) + len(_VALUE) + 8 + time_size
        fields = labels + bytes_field(_METADATA, metadata) + created
        fields += varint(_SAMPLES << 3 | 2) + varint(sample_size) + start + _VALUE
        return varint(_SERIES << 3 | 2) + varint(len(fields) + 8 + time_size) + fields


def is_version_2(payload: bytes) -> bool:
    """Whether a payload is a request of this version."""
    return payload.startswith(TAG)


def body_of(payload: bytes) -> bytes:
    """What is posted of a payload."""
    return payload[_HEAD:]


def samples_of(payload: bytes) -> int:
    """How many samples a payload holds."""
    return int.from_bytes(payload[len(TAG) : _HEAD], "big")


def as_version_1(payload: bytes) -> bytes:
    """The payload of a request with the same samples in version 1.0; raises `ValueError` where it is damaged."""
    content = decompress(body_of(payload), MAX_BYTES)
    fields = list(read_fields(content))
    symbols = [as_bytes(value).decode() for number, value in fields if number == _SYMBOLS]
    series = (_series(as_bytes(value), symbols) for number, value in fields if number == _SERIES)
    return version_1.TAG + compress(b"".join(series))


def _series(content: bytes, symbols: list[str]) -> bytes:
    labels, samples = dict[str, str](), b""
    for number, value in read_fields(content):
        if number == _LABELS:
            places = list(_numbers(as_bytes(value)))
            labels = {symbols[name]: symbols[text] for name, text in zip(places[::2], places[1::2], strict=True)}
        elif number == _SAMPLES:
            kept = [(field, part) for field, part in read_fields(as_bytes(value)) if field != _START]
            parts = (number_field(field, part) if isinstance(part, int) else _VALUE + part for field, part in kept)
            samples += bytes_field(_SAMPLES, b"".join(parts))
    return version_1.time_series(labels, samples)


def _numbers(packed: bytes) -> Iterator[int]:
    place = 0
    while place < len(packed):
        value, place = read_varint(packed, place)
        yield value
