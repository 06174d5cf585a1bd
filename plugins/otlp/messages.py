"""`ExportMetricsServiceRequest` by hand: https://opentelemetry.io/docs/specs/otlp. What never changes is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from weakref import WeakKeyDictionary

from collector_core import SampleBlock, Series, SeriesGroup
from collector_core.wire import bytes_field, double_field, fill_doubles, fixed64_field, number_field, text_field, varint

CUMULATIVE, DELTA = 2, 1
NO_VALUE = number_field(8, 1)  # the flag of a point that says: there is none any more

_RESOURCE_METRICS = 1
_ATTRIBUTES, _START, _TIME, _VALUE = 7, 2, 3, 4  # of NumberDataPoint
_VALUE_KEY = varint(_VALUE << 3 | 1)
_GAUGE, _SUM = 5, 7  # of Metric
_UNITS = {
    "watts": "W",
    "joules": "J",
    "seconds": "s",
    "bytes": "By",
    "ratio": "1",
    "celsius": "Cel",
    "grams": "g",
    "hertz": "Hz",
    "volts": "V",
    "amperes": "A",
    "volt_amperes": "V.A",
    "pascals": "Pa",
    "ohms": "Ohm",
    "meters": "m",
    "lux": "lx",
}


def nanoseconds(seconds: float) -> int:
    """A time in seconds since 1970, as OTLP counts it, exact to the millisecond."""
    return round(seconds * 1000) * 1_000_000


class Encoder:
    """Writes requests about one resource. `start` is when all counters of this process began, in seconds since 1970."""

    def __init__(self, resource: Mapping[str, str], scope: tuple[str, str], start: float) -> None:
        self._head = bytes_field(1, b"".join(_attribute(1, *pair) for pair in resource.items()))
        self._scope = bytes_field(1, text_field(1, scope[0]) + text_field(2, scope[1]))
        self._start = fixed64_field(_START, nanoseconds(start))
        self._kept: WeakKeyDictionary[SeriesGroup, list[bytes]] = WeakKeyDictionary()

    def request(self, block: SampleBlock) -> bytes:
        """The samples of a block, counters as sums since the start."""
        if block.ended:
            return self._framed(self._ended(block))
        prefixes = self._kept.get(block.group)
        if prefixes is None:
            start = b"" if block.is_recovered else self._start
            prefixes = self._kept[block.group] = list(self._prefixes(block.group.series, start))
        time = fixed64_field(_TIME, nanoseconds(block.time))
        return self._framed(fill_doubles(prefixes, block.values, time))

    def rises(self, block: SampleBlock, rises: Mapping[Series, tuple[float, float]]) -> bytes:
        """The same with counters as `rises`: since when and how much; a counter that has none is left out."""
        end = fixed64_field(_TIME, nanoseconds(block.time))
        metrics = b""
        for _, group in groupby(block.samples(), key=lambda sample: sample.series.name):
            points, series = [], None
            for sample in group:
                series = sample.series
                if not series.is_counter:
                    points.append(_attributes(series) + double_field(_VALUE, sample.value) + end)
                elif series in rises:
                    since, rise = rises[series]
                    start = fixed64_field(_START, nanoseconds(since))
                    points.append(_attributes(series) + start + double_field(_VALUE, rise) + end)
            if series is not None and points:
                metrics += _metric(series, points, DELTA)
        return self._framed(metrics)

    def _ended(self, block: SampleBlock) -> bytes:
        end = fixed64_field(_TIME, nanoseconds(block.time)) + NO_VALUE
        groups = groupby(block.group.series, key=lambda series: series.name)
        return b"".join(_metric(same[0], [_attributes(each) + end for each in same]) for same in _lists(groups))

    def _prefixes(self, series: Iterable[Series], start: bytes) -> Iterator[bytes]:
        """What comes before each value: all of its point but the time, and its metric before the first of these."""
        for same in _lists(groupby(series, key=lambda each: each.name)):
            points = [_attributes(each) + (start if each.is_counter else b"") + _VALUE_KEY for each in same]
            rest = 8 + 9  # the value, and the time that stands behind it
            heads = [varint(1 << 3 | 2) + varint(len(point) + rest) for point in points]
            size = sum(len(head) + len(point) + rest for head, point in zip(heads, points, strict=True))
            metric = _metric_head(same[0], size)
            yield from (
                (metric if place == 0 else b"") + head + point
                for place, (head, point) in enumerate(zip(heads, points, strict=True))
            )

    def _framed(self, metrics: bytes) -> bytes:
        return bytes_field(_RESOURCE_METRICS, self._head + bytes_field(2, self._scope + metrics))


def _metric(series: Series, points: list[bytes], temporality: int = CUMULATIVE) -> bytes:
    data = b"".join(bytes_field(1, point) for point in points)
    return _metric_head(series, len(data), temporality) + data


def _metric_head(series: Series, size: int, temporality: int = CUMULATIVE) -> bytes:
    """A metric of a scope up to its points, which take `size` bytes."""
    about = text_field(1, series.name) + text_field(2, series.help) + text_field(3, _unit(series.unit))
    kind = number_field(2, temporality) + number_field(3, 1) if series.is_counter else b""
    data = varint((_SUM if series.is_counter else _GAUGE) << 3 | 2) + varint(len(kind) + size) + kind
    return varint(2 << 3 | 2) + varint(len(about) + len(data) + size) + about + data


def _unit(word: str) -> str:
    """In UCUM; other words are annotations."""
    return _UNITS.get(word, f"{{{word}}}" if word else "")


def _attributes(series: Series) -> bytes:
    return b"".join(_attribute(_ATTRIBUTES, name, value) for name, value in sorted(series.labels.items()) if value)


def _attribute(field: int, name: str, value: str) -> bytes:
    return bytes_field(field, text_field(1, name) + bytes_field(2, text_field(1, value)))


def _lists(groups: Iterable[tuple[str, Iterable[Series]]]) -> Iterator[list[Series]]:
    return (list(group) for _, group in groups)
