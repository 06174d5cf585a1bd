"""Scores that are measured already, a line for each, so that a run that was interrupted goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.forecast.scores import Scores

FILE = Path(__file__).parents[1] / "results" / "forecast-scores.jsonl"
PLUGIN = Path(__file__).parents[2] / "plugins" / "forecast"

FORECASTING = (
    "coarse",
    "counting",
    "covariates",
    "forecaster",
    "gaps",
    "local_time",
    "outcome",
    "outliers",
    "plain_models",
    "pure",
    "seasons",
    "series",
)

ByModel = Mapping[str, Scores]


class Kept:
    """Measures what is not in `file` yet, and adds it as soon as it is known."""

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self._known: dict[str, Any] = dict(map(json.loads, file.read_text().splitlines())) if file.exists() else {}

    def scores(self, series: str, by: str, origins: int, measure: Callable[[], ByModel]) -> ByModel:
        """Of a series and `by` whom: the program and its version."""
        key = f"{series} / {by} / {origins}"
        if key not in self._known:
            self._known[key] = {name: asdict(each) for name, each in measure().items()}
            self._file.parent.mkdir(exist_ok=True)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps([key, self._known[key]]) + "\n")
        return {name: _scores(each) for name, each in self._known[key].items()}


def _scores(kept: Mapping[str, Any]) -> Scores:
    """JSON has no numbers as keys."""
    errors = {int(horizon): each for horizon, each in kept["errors"].items()}
    return Scores(errors, kept["seconds"], {float(level): each for level, each in kept["inside"].items()})


def our_version() -> str:
    """Changes with the files that forecast: scores of other ones are no longer ours."""
    digest = hashlib.sha256()
    for file in sorted([*PLUGIN.glob("numeric/*.py"), *(PLUGIN / f"{name}.py" for name in FORECASTING)]):
        digest.update(file.read_bytes())
    return f"collector {digest.hexdigest()[:12]}"
