"""An hour's sums as the columns of a table, whatever database it is in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from collector_plugins.sites.store import HOUR, Mean, Part, Piece, add_known

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
COUNTS = {"readings", "loads", "prices"}
PART_COLUMNS = ["kwh", "facility_kwh", "location_grams", "market_grams"]
NAMES = ", ".join(f'"{name}"' for name in COLUMNS)
SUMS = ", ".join(
    [
        *(f"CAST(sum({name}) AS bigint)" if name in COUNTS else f"sum({name})" for name in SUMMED),
        "max(peak)",
        "min(first)",
        "max(last)",
        "sum(location_grams)",
        "sum(market_grams)",
        'min("begin")',
        f'max(CASE WHEN "begin" < CAST(hour AS bigint) * {HOUR} THEN 1 ELSE 0 END)',
    ]
)
"""What `sum_of` takes of many hours, then where the first begins and whether one begins before its hour."""

PART_NAMES = ", ".join(PART_COLUMNS)
PART_SUMS = ", ".join(f"sum({name})" for name in PART_COLUMNS)


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


def part_row(part: Part) -> tuple[float | None, ...]:
    """The values of `PART_COLUMNS`."""
    return part.kwh, part.facility_kwh, part.location_grams, part.market_grams


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


def differences(
    hours: Sequence[tuple[int, int, Piece | None]], stored: Mapping[tuple[int, int], Amounts]
) -> list[tuple[int, str, float, float | None]]:
    """By how much the sums of hours change the totals of what is `stored`: site, name, energy and amount."""
    found: dict[tuple[int, str], tuple[float, float | None]] = {}
    for site, hour, piece in hours:
        before, after = stored.get((site, hour), {}), amounts_of(piece) if piece else {}
        for name in before.keys() | after.keys():
            (old_kwh, old), (new_kwh, new) = before.get(name, (0.0, None)), after.get(name, (0.0, None))
            kwh, amount = found.get((site, name), (0.0, None))
            if old is not None or new is not None:
                amount = (amount or 0.0) + (new or 0.0) - (old or 0.0)
            found[site, name] = (kwh + new_kwh - old_kwh, amount)
    return [(*key, *difference) for key, difference in sorted(found.items())]
