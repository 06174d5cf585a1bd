"""What Prometheus is asked by remote read, and what it answers: protobuf in snappy."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from math import isfinite

from collector_core.history.importing import Readings
from collector_core.model.labels import label_text
from collector_core.model.selector import Selector
from collector_core.wire.protobuf import as_bytes, bytes_field, number_field, read_fields, text_field
from collector_core.wire.snappy import decompress, wrap

HEADERS = {
    "Accept-Encoding": "snappy",
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Read-Version": "0.1.0",
}
MAX_BYTES = 1 << 28  # of an answer, compressed or not

_MATCHER = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_KINDS = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_UNKNOWN = ("__topic__", "__of__")  # Prometheus knows no topics


def request(selector: Selector, start: int, end: int) -> bytes:
    """The body of a question for readings from `start` to before `end`; raises `ValueError` for `__topic__`."""
    times = number_field(1, start) + number_field(2, end - 1)
    conditions = b"".join(
        bytes_field(3, number_field(1, kind) + text_field(2, name) + text_field(3, value))
        for kind, name, value in _matchers(selector.text)
    )
    return wrap(bytes_field(1, times + conditions))


def parse(body: bytes) -> Readings:
    """The readings of an answer, without those that are no number; raises `ValueError` where it is damaged."""
    found: Readings = {}
    try:
        for result in _nested(decompress(body, MAX_BYTES), 1):
            for series in _nested(result, 1):
                text, readings = _series(series)
                found.setdefault(text, []).extend(readings)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"not an answer of remote read: {error}") from error
    return found


def _matchers(selector: str) -> Iterator[tuple[int, str, str]]:
    name, _, rest = selector.partition("{")
    if "*" in name:
        yield _KINDS["=~"], "__name__", name.strip().replace("*", ".*")
    elif name.strip():
        yield _KINDS["="], "__name__", name.strip()
    for label, operator, value in _MATCHER.findall(rest):
        if label in _UNKNOWN:
            raise ValueError(f"Prometheus knows no {label}: name the metrics")
        yield _KINDS[operator], label, re.sub(r'\\([\\"n])', lambda escaped: escaped[1].replace("n", "\n"), value)


def _series(content: bytes) -> tuple[str, list[tuple[int, float]]]:
    labels, readings = dict[str, str](), list[tuple[int, float]]()
    for number, value in read_fields(content):
        if number == 1:
            label = dict(read_fields(as_bytes(value)))
            labels[as_bytes(label.get(1, b"")).decode()] = as_bytes(label.get(2, b"")).decode()
        elif number == 2:
            sample = dict(read_fields(as_bytes(value)))
            (reading,) = struct.unpack("<d", as_bytes(sample.get(1, bytes(8))))
            time = sample.get(2, 0)
            if isfinite(reading) and isinstance(time, int):
                readings.append((time, reading))
    name = labels.pop("__name__", "")
    return name + label_text(dict(sorted(labels.items()))), readings


def _nested(content: bytes, number: int) -> Iterator[bytes]:
    return (as_bytes(value) for found, value in read_fields(content) if found == number)
