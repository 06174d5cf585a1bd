"""Carbon intensity of electricity: what is configured, or a country's mean of a year."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

TABLE = Path(__file__).with_name("intensity.csv")


class Intensity(NamedTuple):
    """Grams of CO2 equivalent per kWh, where that holds and who says so."""

    grams_per_kwh: float
    zone: str
    source: str


def by_country(code: str) -> Intensity | None:
    """A country's mean of the latest year in the table, by ISO 3166 code of two or three letters in any case."""
    wanted = code.upper()
    for row in _rows():
        if wanted in (row["alpha2"], row["alpha3"]):
            source = f"our_world_in_data_{row['year']}"
            return Intensity(float(row["grams_per_kwh"]), row["alpha2"], source)
    return None


def _known(code: str) -> str:
    if by_country(code) is None:
        raise ValueError(f"no carbon intensity is known for {code!r}: write an ISO 3166 code such as DE or USA")
    return code


Country = Annotated[str, AfterValidator(_known)]
"""The type of an option that names a country by its ISO 3166 code, which `by_country` knows."""


def _rows() -> Iterator[dict[str, str]]:
    text = TABLE.read_text(encoding="utf-8")
    yield from csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
