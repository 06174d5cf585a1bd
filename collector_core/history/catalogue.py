"""Which series the store has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from collector_core.model.selector import Selector
from collector_core.model.series import Series
from collector_core.storage.sqlite import Database

SERIES_COLUMNS = "text, name, labels, kind, unit, help, topic, of, title, source, plugin, gap"


@dataclass(frozen=True, slots=True)
class KeptSeries:
    """A series of the store.

    `plugin` is whose collector publishes it, empty where it was imported; readings further apart than `gap`
    milliseconds say nothing of the time between them.
    """

    series: Series
    plugin: str
    gap: int

    @property
    def is_counter(self) -> bool:
        """Whether its rises count."""
        return self.series.is_counter

    @property
    def is_ledger(self) -> bool:
        """Whether it is the machine's energy, or its cost or emissions: what starts at 0 with the process."""
        about = (self.series.topic, self.series.of)
        return self.is_counter and about in {("energy", "host"), ("cost", "host"), ("emissions", "host")}


class KnownSeries:
    """Series with their numbers, as they were loaded; for one thread."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, KeptSeries]] = {}

    def __iter__(self) -> Iterator[tuple[int, KeptSeries]]:
        """Numbers and series, in the order of their texts."""
        return iter([self._known[text] for text in sorted(self._known)])

    def find(self, text: str) -> tuple[int, KeptSeries] | None:
        """The number of a series and what is known of it."""
        return self._known.get(text)

    def select(self, selector: Selector | None) -> list[tuple[int, KeptSeries]]:
        """The series that are meant, all without a selector, in the order of their texts."""
        return [(number, kept) for number, kept in self if selector is None or selector.means(kept.series)]

    def knows(self, kept: KeptSeries) -> int | None:
        """The number of a series that is known just so."""
        known = self._known.get(kept.series.text)
        if known is None or (known[1] is not kept and series_row(known[1]) != series_row(kept)):
            return None
        self._known[kept.series.text] = (known[0], kept)
        return known[0]


class Catalogue(KnownSeries):
    """The store's series with their numbers; for one thread."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self.loads = 0  # how often it was read: numbers may be other ones then

    def load(self) -> None:
        """Read all series."""
        rows = self._database.rows(f"SELECT id, {SERIES_COLUMNS} FROM series")  # noqa: S608
        self._known = {kept.series.text: (number, kept) for number, *row in rows if (kept := _kept(row))}
        self.loads += 1

    def add(self, connection: sqlite3.Connection, kept: KeptSeries) -> int:
        """The number of a series; a new one gets one, and a known one whose declaration has changed keeps its own."""
        if (known := self.knows(kept)) is not None:
            return known
        row = series_row(kept)
        places = ", ".join("?" * len(row))
        updates = ", ".join(f"{column} = excluded.{column}" for column in SERIES_COLUMNS.split(", ")[1:])
        conflict = f"ON CONFLICT (text) DO UPDATE SET {updates}"
        statement = f"INSERT INTO series ({SERIES_COLUMNS}) VALUES ({places}) {conflict} RETURNING id"  # noqa: S608
        ((number,),) = connection.execute(statement, row).fetchall()
        self._known[kept.series.text] = (int(number), kept)
        return int(number)


def labels_only_of(gone: Iterable[KeptSeries], left: Iterable[KeptSeries]) -> set[str]:
    """Label values that none of the series that are left has."""
    return _label_values(gone) - _label_values(left)


def _label_values(series: Iterable[KeptSeries]) -> set[str]:
    return {value for kept in series for value in kept.series.labels.values() if value}


def series_row(kept: KeptSeries) -> tuple[str | int, ...]:
    """What is stored of a series, in the order of `SERIES_COLUMNS`."""
    series = kept.series
    about = (series.kind, series.unit, series.help, series.topic, series.of, series.title, series.source)
    return (series.text, series.name, json.dumps(dict(series.labels)), *map(str, about), kept.plugin, kept.gap)


def kept_series(row: Sequence[Any]) -> KeptSeries:
    """What `series_row` gave."""
    text, name, labels, kind, unit, help_text, topic, of, title, source, plugin, gap = row
    found = json.loads(labels)
    if not isinstance(found, dict):
        raise ValueError("the labels are not an object")  # noqa: TRY004 - as the rest of what is damaged
    return KeptSeries(Series(text, name, found, kind, unit, help_text, source, topic, of, title), plugin, gap)


def _kept(row: Sequence[Any]) -> KeptSeries | None:
    """None where the row is damaged: it must not take the others."""
    try:
        return kept_series(row)
    except ValueError:
        return None
