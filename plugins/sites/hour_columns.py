"""An hour's sums as the columns of a table, whatever database it is in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from collector_plugins.sites.store import Mean, Part, Piece, add_known

Amounts = dict[str, tuple[float, float | None]]
"""Energy in kWh and an amount by name."""

SUMMED = [
    "readings",
    "kwh",
    "facility_kwh",
    "cost",
    "power_joules",
    "power_seconds",
    "terahashes",
    "hash_seconds",
    "covered_seconds",
    "load",
    "loads",
    "price",
    "prices",
]
COLUMNS = [*SUMMED, "peak", "first", "last", "location_grams", "market_grams", "begin", "spans"]


def hour_row(piece: Piece) -> tuple[Any, ...]:
    """The values of `COLUMNS`; parts are kept elsewhere."""
    return (
        piece.readings,
        piece.kwh,
        piece.facility_kwh,
        piece.cost,
        piece.power_joules,
        piece.power_seconds,
        piece.terahashes,
        piece.hash_seconds,
        piece.covered_seconds,
        piece.grid_load.total,
        piece.grid_load.count,
        piece.grid_price.total,
        piece.grid_price.count,
        piece.peak,
        piece.first,
        piece.last,
        piece.location_grams,
        piece.market_grams,
        min((start for start, _ in piece.spans), default=piece.first),
        json.dumps(piece.spans, separators=(",", ":")),
    )


def piece_of(row: Sequence[Any]) -> Piece:
    """A piece without its parts, from the columns of its hour."""
    *amounts, _, _, _, spans = row
    piece = _without_parts(amounts)
    piece.spans = [(start, end) for start, end in json.loads(spans)]
    return piece


def sum_of(row: Sequence[Any], parts: dict[tuple[str, str], Part] | None) -> Piece:
    """A piece of many hours; without `parts` one of no name stands for all."""
    *amounts, location, market = row
    piece = _without_parts(amounts)
    piece.parts = {("", ""): Part(piece.kwh, piece.facility_kwh, location, market)} if parts is None else parts
    return piece


def _without_parts(amounts: Sequence[Any]) -> Piece:
    *sums, load, loads, price, prices, peak, first, last = amounts
    piece = Piece(**dict(zip(SUMMED, sums, strict=False)), peak=peak, first=first, last=last)
    piece.grid_load, piece.grid_price = Mean(load, loads), Mean(price, prices)
    return piece


def amounts_of(piece: Piece) -> Amounts:
    """Energy and cost of all, under no name, and energy and grams of each source."""
    found: Amounts = {"": (piece.kwh, piece.cost)}
    for (source, _), part in piece.parts.items():
        kwh, grams = found.get(source, (0.0, None))
        found[source] = (kwh + part.kwh, add_known(grams, part.location_grams))
    return found
