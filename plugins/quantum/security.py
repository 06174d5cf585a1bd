"""The security strength of algorithms, from a table with its sources."""

from __future__ import annotations

import csv
from importlib import resources
from typing import NamedTuple

TABLE = "security.csv"


class Strength(NamedTuple):
    """Bits against classical and against quantum computers; what they mean stands in the table."""

    classical: int
    quantum: int


def strengths() -> dict[str, Strength]:
    """Every algorithm that the table knows."""
    text = resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["algorithm"]: Strength(int(row["classical"]), int(row["quantum"])) for row in rows}
