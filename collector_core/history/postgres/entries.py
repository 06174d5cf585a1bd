"""What was read at once, as it waits on disk for the database."""

from __future__ import annotations

import json
import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence

from collector_core.history.catalogue import KeptSeries, kept_series, series_row
from collector_core.history.importing import parse_series
from collector_core.history.interface import Event, HistorySample

_LENGTH = struct.Struct("<I")
UNKNOWN_GAP = 30_000  # milliseconds, of a series of which only the text has come


def encode_entry(samples: Sequence[HistorySample], events: Sequence[Event], known: Mapping[str, KeptSeries]) -> bytes:
    """An entry of the queue; of series that the database has just so, by `known`, only the texts."""
    places: dict[str, int] = {}
    series = []
    for sample in samples:
        text = sample.kept.series.text
        if text not in places:
            places[text] = len(places)
            series.append(text if known.get(text) == sample.kept else series_row(sample.kept))
    head = json.dumps({"series": series, "events": events}).encode()
    columns = (
        array("q", [places[sample.kept.series.text] for sample in samples]),
        array("q", [sample.time for sample in samples]),
        array("d", [sample.value for sample in samples]),
        array("d", [sample.rise for sample in samples]),
    )
    return b"".join([_LENGTH.pack(len(head)), head, *(column.tobytes() for column in columns)])


class EntrySeries:
    """Series by what entries say of them; `known` are those of the database."""

    def __init__(self, known: Iterable[KeptSeries]) -> None:
        self._known: dict[str | tuple[str | int, ...], KeptSeries] = {kept.series.text: kept for kept in known}

    def find(self, about: str | list[str | int]) -> KeptSeries:
        """A series; one that the database has lost since is what its text says."""
        key = about if isinstance(about, str) else tuple(about)
        found = self._known.get(key)
        if found is None:
            found = KeptSeries(parse_series(key), "", UNKNOWN_GAP) if isinstance(key, str) else kept_series(key)
            self._known |= {key: found, found.series.text: found}
        return found


def decode_entry(data: bytes, known: EntrySeries) -> tuple[list[HistorySample], list[Event]]:
    """What `encode_entry` was given; raises `ValueError` for damaged bytes."""
    try:
        (length,) = _LENGTH.unpack_from(data)
        head = json.loads(data[_LENGTH.size : _LENGTH.size + length])
        series = [known.find(each) for each in head["series"]]
        events = [Event(*each) for each in head["events"]]
        places, times, values, rises = _columns(data[_LENGTH.size + length :])
        rows = zip(places, times, values, rises, strict=True)
        return [HistorySample(series[place], time, value, rise) for place, time, value, rise in rows], events
    except (struct.error, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"not an entry: {error}") from error


def _columns(data: bytes) -> tuple[array[int], array[int], array[float], array[float]]:
    size = len(data) // 4
    places, times, values, rises = array("q"), array("q"), array("d"), array("d")
    places.frombytes(data[:size])
    times.frombytes(data[size : 2 * size])
    values.frombytes(data[2 * size : 3 * size])
    rises.frombytes(data[3 * size :])
    return places, times, values, rises
