"""Which series the store has."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from collector_core.model.selector import Selector
from collector_core.model.series import Series
from collector_core.storage.sqlite import Database

_COLUMNS = "text, name, labels, kind, unit, help, topic, of, title, source, plugin, gap"


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


class Catalogue:
    """The store's series with their numbers; for one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, tuple[int, KeptSeries]] = {}

    def load(self) -> None:
        """Read all series."""
        rows = self._database.rows(f"SELECT id, {_COLUMNS} FROM series")  # noqa: S608
        self._known = {kept.series.text: (number, kept) for number, *row in rows if (kept := _kept(row))}

    def __iter__(self) -> Iterator[tuple[int, KeptSeries]]:
        """Numbers and series, in the order of their texts."""
        return iter([self._known[text] for text in sorted(self._known)])

    def find(self, text: str) -> tuple[int, KeptSeries] | None:
        """The number of a series and what is known of it."""
        return self._known.get(text)

    def select(self, selector: Selector | None) -> list[tuple[int, KeptSeries]]:
        """The series that are meant, all without a selector, in the order of their texts."""
        return [(number, kept) for number, kept in self if selector is None or selector.means(kept.series)]

    def add(self, connection: sqlite3.Connection, kept: KeptSeries) -> int:
        """The number of a series; a new one gets one, and a known one whose declaration has changed keeps its own."""
        known = self._known.get(kept.series.text)
        if known and known[1] is kept:
            return known[0]
        row = _row(kept)
        if known and _row(known[1]) == row:
            self._known[kept.series.text] = (known[0], kept)
            return known[0]
        places = ", ".join("?" * len(row))
        updates = ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS.split(", ")[1:])
        statement = (
            f"INSERT INTO series ({_COLUMNS}) VALUES ({places}) ON CONFLICT (text) DO UPDATE SET {updates} RETURNING id"  # noqa: S608
        )
        ((number,),) = connection.execute(statement, row).fetchall()
        self._known[kept.series.text] = (int(number), kept)
        return int(number)


def _row(kept: KeptSeries) -> tuple[str | int, ...]:
    series = kept.series
    about = (series.kind, series.unit, series.help, series.topic, series.of, series.title, series.source)
    return (series.text, series.name, json.dumps(dict(series.labels)), *map(str, about), kept.plugin, kept.gap)


def _kept(row: Sequence[Any]) -> KeptSeries | None:
    """None where the row is damaged: it must not take the others."""
    text, name, labels, kind, unit, help_text, topic, of, title, source, plugin, gap = row
    try:
        found = json.loads(labels)
    except ValueError:
        return None
    if not isinstance(found, dict):
        return None
    return KeptSeries(Series(text, name, found, kind, unit, help_text, source, topic, of, title), plugin, gap)
