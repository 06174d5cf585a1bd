"""Our own model: the next row of a series is the weighted sum of its features; the weights are a JSON file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from collector_core.storage import parse_document
from collector_plugins.anomaly.forecast import features
from collector_plugins.anomaly.state_checks import is_finite

FORMAT = "energy-collector anomaly linear model"
VERSION = 1


class LinearModel:
    """Weights by series, one for each feature, for rows of `row_seconds`."""

    def __init__(self, row_seconds: float, weights: Mapping[str, Sequence[float]]) -> None:
        self.row_seconds = row_seconds
        self._weights = weights

    @property
    def series(self) -> tuple[str, ...]:
        """The series that it predicts."""
        return tuple(self._weights)

    def predict(self, vectors: Mapping[str, Sequence[float]]) -> dict[str, float]:
        """The next row of each series, by its feature vector."""
        return {
            series: sum(weight * feature for weight, feature in zip(self._weights[series], vector, strict=True))
            for series, vector in vectors.items()
        }

    def to_json(self) -> str:
        """What `from_json` takes."""
        document = {
            "format": FORMAT,
            "version": VERSION,
            "row_seconds": self.row_seconds,
            "shape": [len(self._weights), features.COUNT],
            "weights": {series: list(weights) for series, weights in self._weights.items()},
        }
        return json.dumps(document) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> LinearModel:
        """Read a model; raises `ValueError` that says what is wrong with it."""
        document = parse_document(text)
        if document.get("format") != FORMAT:
            raise ValueError("not a model of `energy-collector anomaly train`")
        if document.get("version") != VERSION:
            raise ValueError(f"version {document.get('version')} of its format, and this program reads {VERSION}")
        row_seconds, weights = document.get("row_seconds"), document.get("weights")
        if not (is_finite(row_seconds) and isinstance(weights, dict)):
            raise ValueError("damaged: it lacks `row_seconds` or `weights`")
        if document.get("shape") != [len(weights), features.COUNT] or not all(map(_is_weights, weights.values())):
            raise ValueError(f"damaged: its weights are not {features.COUNT} numbers for each series")
        return cls(float(row_seconds), {name: [float(weight) for weight in line] for name, line in weights.items()})


def _is_weights(line: Any) -> bool:
    return isinstance(line, list) and len(line) == features.COUNT and all(map(is_finite, line))
