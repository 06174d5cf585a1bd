"""The table of `energy-collector list`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector_core.cli.table import table
from collector_core.installed import EntryPoint
from collector_core.plugins.entry_points import OURS
from collector_core.plugins.offers import kept_offers

Row = tuple[str, str, str, str]

_HEAD = ("plugin", "version", "distribution", "offers")


def bundled_rows(entries: Sequence[EntryPoint]) -> dict[EntryPoint, Row]:
    """The rows of bundled plugins, which are loaded by nobody for that."""
    offers = kept_offers(entries)
    kept = (entry for entry in entries if entry.distribution == OURS and entry.name in offers)
    return {entry: (entry.name, entry.version, entry.distribution, offers[entry.name].text) for entry in kept}


def plugin_table(rows: Iterable[Row]) -> str:
    """The table, sorted by name."""
    return table(_HEAD, sorted(rows, key=lambda row: row[0]))
